// softmax, softmax_cross_entropy and its gradient, top_k_correct, check_labels.
#include <algorithm>

#include "kernel_test.h"

namespace senet::cuda::test {
namespace {

struct Batch {
  int64_t rows, classes;
};
const std::vector<Batch> kBatches = {{1, 1}, {1, 2}, {3, 7}, {2, 256}, {5, 300}, {70, 10}};

// Probabilities of one row and the logarithm of the sum of exp(x - greatest).
struct Row {
  std::vector<double> p;
  double greatest, log_sum;
  Row(const double* x, int64_t classes) : p(x, x + classes) {
    greatest = *std::max_element(p.begin(), p.end());
    double sum = 0;
    for (double& value : p) sum += value = std::exp(value - greatest);
    for (double& value : p) value /= sum;
    log_sum = std::log(sum);
  }
};

// Targets [rows, classes] for class labels or distributions.
std::vector<double> targets(const Batch& batch, const std::vector<int32_t>& classes,
                            const std::vector<double>& soft, double smoothing) {
  std::vector<double> t(batch.rows * batch.classes);
  for (int64_t i = 0; i < batch.rows * batch.classes; ++i) {
    const double own = soft.empty() ? (classes[i / batch.classes] == i % batch.classes ? 1.0 : 0.0) : soft[i];
    t[i] = (1 - smoothing) * own + smoothing / static_cast<double>(batch.classes);
  }
  return t;
}

void loss_case(const Batch& batch, bool soft, double smoothing) {
  const auto [rows, classes] = batch;
  in_case(rows, classes, "soft", soft, "smoothing", smoothing);
  Random random(classes);
  const auto x = random_values<float>(rows * classes, random, -20, 20);
  auto given = random_values<float>(soft ? rows * classes : 0, random, 0, 1);
  std::vector<int32_t> labels;
  for (int64_t n = 0; n < rows; ++n) labels.push_back(static_cast<int32_t>(random.below(classes)));
  const std::vector<double> t = targets(batch, labels, given.exact, smoothing);
  double loss = 0;
  std::vector<double> p, dx;
  for (int64_t n = 0; n < rows; ++n) {
    const Row row(x.exact.data() + n * classes, classes);
    double total = 0;
    for (int64_t k = 0; k < classes; ++k) {
      total += t[n * classes + k];
      loss -= t[n * classes + k] * (x.exact[n * classes + k] - row.greatest - row.log_sum) /
              static_cast<double>(rows);
    }
    for (int64_t k = 0; k < classes; ++k) {
      p.push_back(row.p[k]);
      dx.push_back((row.p[k] * total - t[n * classes + k]) / static_cast<double>(rows) * 3);
    }
  }
  const DeviceArray<float> x_(x.stored), given_(given.stored), p_(rows * classes), loss_(1),
      dx_(rows * classes), dloss(std::vector<float>{3}),
      workspace(floats_for(softmax_cross_entropy_forward_workspace_bytes(rows)));
  const DeviceArray<int32_t> labels_(labels);
  Labels device;
  if (soft) device.distributions = given_;
  if (!soft) device.classes = labels_;
  softmax_cross_entropy_forward(x_, device, smoothing, loss_, p_, rows, classes, workspace, stream());
  softmax_cross_entropy_backward(p_, device, smoothing, dloss, dx_, rows, classes, stream());
  const double terms = 8 * std::sqrt(static_cast<double>(classes)) + 32;
  expect_close("loss", loss_, {loss}, {terms, 40.0 * static_cast<double>(soft ? classes : 1)});
  expect_close("p", p_, p, {terms, 0.1});
  expect_close("dx", dx_, dx, {terms, static_cast<double>(soft ? classes : 3)});
  softmax(x_, x_, rows, classes, stream());
  expect_close("softmax in place", x_, p, {terms, 0.1});
}

}  // namespace

KERNEL_TEST(softmax_cross_entropy) {
  for (const Batch& batch : kBatches) {
    for (bool soft : {false, true}) {
      for (double smoothing : {0.0, 0.1}) loss_case(batch, soft, smoothing);
    }
  }
}

KERNEL_TEST(softmax_cross_entropy_of_wrong_labels) {
  const DeviceArray<float> x(std::vector<float>{1, 2, 3, 4}), p(4), loss(1), workspace(8);
  for (int32_t wrong : {-1, 2, INT32_MAX}) {
    in_case("label", wrong);
    const DeviceArray<int32_t> labels(std::vector<int32_t>{0, wrong});
    softmax_cross_entropy_forward(x, {labels, nullptr}, 0, loss, p, 2, 2, workspace, stream());
    expect_close("loss", loss, {std::numeric_limits<double>::quiet_NaN()}, {0, 0});
  }
}

KERNEL_TEST_OF_LARGEST_BLOCKS(top_k_correct) {
  for (const Batch& batch : kBatches) {
    const auto [rows, classes] = batch;
    for (int64_t k : {1, 5}) {
      in_case(rows, classes, "k", k);
      Random random(classes + k);
      std::vector<float> x, soft;
      std::vector<int32_t> labels;
      for (int64_t i = 0; i < rows * classes; ++i) {
        x.push_back(random.below(30) == 0 ? NAN : static_cast<float>(random.below(8)));
        soft.push_back(static_cast<float>(random.below(4)));
      }
      for (int64_t n = 0; n < rows; ++n) labels.push_back(static_cast<int32_t>(random.below(classes)));
      double hard = 0, by_soft = 0;
      for (int64_t n = 0; n < rows; ++n) {
        const auto rank = [&](int64_t label) {
          int64_t above = 0;
          for (int64_t c = 0; c < classes; ++c) {
            above += c != label && !(x[n * classes + c] <= x[n * classes + label]) ? 1 : 0;
          }
          return above;
        };
        hard += rank(labels[n]) < k ? 1 : 0;
        const auto first = soft.begin() + n * classes;
        by_soft += rank(std::max_element(first, first + classes) - first) < k ? 1 : 0;
      }
      const DeviceArray<float> x_(x), soft_(soft), count(1);
      const DeviceArray<int32_t> labels_(labels);
      top_k_correct(x_, {labels_, nullptr}, k, count, rows, classes, stream());
      expect_close("count", count, {hard}, {0, 0});
      top_k_correct(x_, {nullptr, soft_}, k, count, rows, classes, stream());
      expect_close("count of distributions", count, {by_soft}, {0, 0});
    }
  }
}

KERNEL_TEST_OF_LARGEST_BLOCKS(check_labels) {
  std::vector<int32_t> labels(3000, 4);
  const DeviceArray<int32_t> bad(1);
  const auto expect = [&](int32_t first) {
    const DeviceArray<int32_t> labels_(labels);
    check_labels(labels_, static_cast<int64_t>(labels.size()), 5, bad, stream());
    expect_equal("bad", bad, std::vector<int32_t>{first});
  };
  expect(-1);
  labels[2999] = 5;
  expect(2999);
  labels[1500] = -1;
  expect(1500);
  labels[0] = INT32_MIN;
  expect(0);
}

}  // namespace senet::cuda::test
