// What runs over many tensors: sgd, adamw, clip_factor, accumulate, ema_update, running_update, find_non_finite, the loss scale; and fold_batch_norm.
#include <memory>

#include "kernel_test.h"

namespace senet::cuda::test {
namespace {

const std::vector<int64_t> kLengths = {1, 3, 256, 1025, 5000};
constexpr int64_t kLargest = 5000;

// A parameter with its gradient and velocity, here and on the device.
struct Parameter {
  Values<float> p, g, v;
  double decay;
  DeviceArray<float> p_, g_, v_;
  Parameter(int64_t length, Random& random)
      : p(random_values<float>(length, random)),
        g(random_values<float>(length, random)),
        v(random_values<float>(length, random)),
        decay(length % 2 == 0 ? 0.01 : 0),
        p_(p.stored),
        g_(g.stored),
        v_(v.stored) {}
};

void sgd_case(double momentum, bool nesterov, double scale) {
  in_case("momentum", momentum, "nesterov", nesterov, "scale", scale);
  Random random(5);
  std::vector<std::unique_ptr<Parameter>> parameters;
  std::vector<SgdTensor> tensors;
  for (int64_t length : kLengths) {
    parameters.push_back(std::make_unique<Parameter>(length, random));
    const Parameter& one = *parameters.back();
    tensors.push_back({one.p_, one.g_, momentum == 0 ? nullptr : one.v_.data(), length,
                       static_cast<float>(one.decay), 0.5f});
  }
  const DeviceArray<SgdTensor> tensors_(tensors);
  const DeviceArray<float> lr(std::vector<float>{0.2f}),
      unscale(std::vector<float>{static_cast<float>(1 / scale)}),
      kept(std::vector<float>{static_cast<float>(momentum)});
  sgd(tensors_, static_cast<int>(tensors.size()), kLargest, nesterov, lr,
      momentum == 0 ? nullptr : kept.data(), scale == 1 ? nullptr : unscale.data(), nullptr, stream());
  for (const auto& one : parameters) {
    std::vector<double> p = one->p.exact, v = one->v.exact;
    for (size_t i = 0; i < p.size(); ++i) {
      double g = one->g.exact[i] / scale + one->decay * p[i];
      if (momentum != 0) {
        v[i] = momentum * v[i] + g;
        g = nesterov ? g + momentum * v[i] : v[i];
      }
      p[i] -= 0.1 * g;
    }
    expect_close("p", one->p_, p, {4, 1});
    expect_close("v", one->v_, v, {4, 1});
  }
}

// A parameter with what adamw keeps of it, some elements behind a multiple of 16 bytes.
struct AdamwParameter {
  int64_t length, offset;
  Values<float> p, g, m, v;
  DeviceArray<float> p_, g_, m_, v_;
  AdamwParameter(int64_t length, int64_t offset, Random& random)
      : length(length),
        offset(offset),
        p(random_values<float>(length + offset, random)),
        g(random_values<float>(length + offset, random)),
        m(random_values<float>(length + offset, random)),
        v(random_values<float>(length + offset, random, 0.1, 2)),
        p_(p.stored),
        g_(g.stored),
        m_(m.stored),
        v_(v.stored) {}
  AdamwTensor tensor() {
    return {p_.data() + offset,
            g_.data() + offset,
            m_.data() + offset,
            v_.data() + offset,
            length,
            0.01f,
            0.5f,
            offset % 4 == 0 ? 1 : 0,
            0};
  }
};

void adamw_case(int64_t offset, double scale, float done) {
  in_case("offset", offset, "scale", scale, "updates", done);
  Random random(11);
  std::vector<std::unique_ptr<AdamwParameter>> parameters;
  std::vector<AdamwTensor> tensors;
  for (int64_t length : kLengths) {
    parameters.push_back(std::make_unique<AdamwParameter>(length, offset, random));
    tensors.push_back(parameters.back()->tensor());
  }
  const DeviceArray<AdamwTensor> tensors_(tensors);
  const DeviceArray<float> lr(std::vector<float>{0.2f}), updates(std::vector<float>{done}),
      factor(std::vector<float>{static_cast<float>(1 / scale)});
  const DeviceArray<std::byte> workspace(kAdamwWorkspaceBytes);
  adamw(tensors_, static_cast<int>(tensors.size()), kLargest, {0.9, 0.999, 1e-8}, lr, updates,
        scale == 1 ? nullptr : factor.data(), nullptr, workspace.data(), stream());
  expect_close("updates", updates, {done + 1.0}, {1, 0});
  const double unbias1 = 1 - std::pow(0.9, done + 1), unbias2 = 1 - std::pow(0.999, done + 1);
  for (const auto& one : parameters) {
    std::vector<double> p = one->p.exact, m = one->m.exact, v = one->v.exact;
    for (size_t i = offset; i < p.size(); ++i) {
      const double g = one->g.exact[i] / scale;
      m[i] = 0.9 * m[i] + 0.1 * g;
      v[i] = 0.999 * v[i] + 0.001 * g * g;
      p[i] = p[i] * (1 - 0.1 * 0.01) - 0.1 * m[i] / unbias1 / (std::sqrt(v[i] / unbias2) + 1e-8);
    }
    expect_close("p", one->p_, p, {4, 1});
    expect_close("m", one->m_, m, {4, 1});
    expect_close("v", one->v_, v, {4, 1});
  }
}

void clip_case(int64_t offset, double limit, double scale) {
  in_case("offset", offset, "limit", limit, "scale", scale);
  Random random(12);
  std::vector<std::unique_ptr<DeviceArray<float>>> arrays;
  std::vector<NormTensor> tensors;
  double sum = 0;
  for (int64_t length : kLengths) {
    const auto values = random_values<float>(length + offset, random);
    for (int64_t i = offset; i < length + offset; ++i) sum += values.exact[i] * values.exact[i];
    arrays.push_back(std::make_unique<DeviceArray<float>>(values.stored));
    tensors.push_back({arrays.back()->data() + offset, length, offset % 4 == 0 ? 1 : 0, 0});
  }
  const DeviceArray<NormTensor> tensors_(tensors);
  const auto count = static_cast<int>(tensors.size());
  const DeviceArray<float> scale_(std::vector<float>{static_cast<float>(scale)}), factor(1), norm(1);
  const DeviceArray<std::byte> workspace(clip_factor_workspace_bytes(count, kLargest));
  clip_factor(tensors_, count, kLargest, limit, scale == 1 ? nullptr : scale_.data(), factor, norm,
              workspace.data(), stream());
  const double want = scale * std::sqrt(sum);
  expect_close("norm", norm, {want}, {kLargest, 0});
  expect_close("factor", factor, {scale * std::min(1.0, limit / (want + 1e-6))}, {kLargest, 0});
}

// Moves means by `launch` and expects of each what `want` says of mean and value.
template <typename Launch, typename Want>
void mean_case(int64_t offset, const Launch& launch, const Want& want) {
  Random random(13);
  std::vector<std::unique_ptr<AdamwParameter>> pairs;
  std::vector<MeanTensor> tensors;
  for (int64_t length : kLengths) {
    pairs.push_back(std::make_unique<AdamwParameter>(length, offset, random));
    const AdamwParameter& one = *pairs.back();
    tensors.push_back({one.m_.data() + offset, one.g_.data() + offset, length, offset % 4 == 0 ? 1 : 0, 0});
  }
  const DeviceArray<MeanTensor> tensors_(tensors);
  launch(tensors_, static_cast<int>(tensors.size()));
  for (const auto& one : pairs) {
    std::vector<double> mean = one->m.exact;
    for (size_t i = offset; i < mean.size(); ++i) mean[i] = want(mean[i], one->g.exact[i]);
    expect_close("mean", one->m_, mean, {4, 1});
  }
}

template <typename T>
Storage storage_of() {
  if (std::is_same_v<T, __half>) return Storage::kFloat16;
  return std::is_same_v<T, __nv_bfloat16> ? Storage::kBFloat16 : Storage::kFloat32;
}

}  // namespace

KERNEL_TEST(sgd) {
  for (double momentum : {0.0, 0.9}) {
    for (bool nesterov : {false, true}) {
      sgd_case(momentum, nesterov, 1);
      sgd_case(momentum, nesterov, 1024);
    }
  }
}

KERNEL_TEST(adamw) {
  for (int64_t offset : {0, 1, 4}) {
    adamw_case(offset, 1, 0);
    adamw_case(offset, 1024, 0);
    adamw_case(offset, 1, 1000);
  }
}

KERNEL_TEST(clip_factor) {
  for (int64_t offset : {0, 1, 4}) {
    clip_case(offset, 1, 1);
    clip_case(offset, 1e6, 1);
    clip_case(offset, 1, 1.0 / 1024);
  }
}

KERNEL_TEST(ema_update) {
  for (int64_t offset : {0, 1, 4}) {
    in_case("offset", offset);
    mean_case(
        offset,
        [](const MeanTensor* tensors, int count) {
          ema_update(tensors, count, kLargest, 0.9, nullptr, stream());
        },
        [](double mean, double value) { return 0.9 * mean + 0.1 * value; });
  }
}

KERNEL_TEST(accumulate) {
  for (int64_t offset : {0, 1, 4}) {
    for (float done : {0.0f, 1.0f, 6.0f}) {
      in_case("offset", offset, "values", done);
      const DeviceArray<float> n(std::vector<float>{done});
      mean_case(
          offset,
          [&](const MeanTensor* tensors, int count) {
            accumulate(tensors, count, kLargest, n, nullptr, stream());
          },
          [done](double mean, double value) { return (done * mean + value) / (done + 1.0); });
    }
  }
}

KERNEL_TEST(running_update) {
  Random random(6);
  std::vector<std::unique_ptr<Parameter>> statistics;
  std::vector<RunningTensor> tensors;
  for (int64_t length : kLengths) {
    statistics.push_back(std::make_unique<Parameter>(length, random));
    tensors.push_back({statistics.back()->p_, statistics.back()->g_, length, 0.15f, 0});
  }
  const DeviceArray<RunningTensor> tensors_(tensors);
  running_update(tensors_, static_cast<int>(tensors.size()), kLargest, 0.1, nullptr, stream());
  for (const auto& one : statistics) {
    std::vector<double> want = one->p.exact;
    for (size_t i = 0; i < want.size(); ++i) want[i] = 0.9 * want[i] + 0.15 * one->g.exact[i];
    expect_close("running", one->p_, want, {4, 1});
  }
}

KERNEL_TEST(nothing_is_updated_when_a_check_failed) {
  Random random(9);
  Parameter one(kLengths[0], random), statistic(kLengths[0], random);
  const DeviceArray<SgdTensor> parameters(
      std::vector<SgdTensor>{{one.p_, one.g_, one.v_.data(), kLengths[0], 0.0f, 1.0f}});
  const DeviceArray<RunningTensor> statistics(
      std::vector<RunningTensor>{{statistic.p_, statistic.g_, kLengths[0], 0.15f, 0}});
  const DeviceArray<int32_t> failed(std::vector<int32_t>{1});
  const DeviceArray<float> lr(std::vector<float>{0.1f});
  sgd(parameters, 1, kLengths[0], false, lr, lr, nullptr, failed, stream());
  running_update(statistics, 1, kLengths[0], 0.1, failed, stream());
  AdamwParameter other(kLengths[1], 0, random);
  const DeviceArray<AdamwTensor> others(std::vector<AdamwTensor>{other.tensor()});
  const DeviceArray<float> updates(std::vector<float>{3});
  const DeviceArray<std::byte> workspace(kAdamwWorkspaceBytes);
  adamw(others, 1, kLengths[1], {0.9, 0.999, 1e-8}, lr, updates, nullptr, failed, workspace.data(), stream());
  const DeviceArray<MeanTensor> means(
      std::vector<MeanTensor>{{other.m_.data(), other.g_.data(), kLengths[1], 1, 0}});
  ema_update(means, 1, kLengths[1], 0.9, failed, stream());
  accumulate(means, 1, kLengths[1], updates, failed, stream());
  expect_close("adamw p", other.p_, other.p.exact, {1, 1});
  expect_close("adamw m", other.m_, other.m.exact, {1, 1});
  expect_close("adamw v", other.v_, other.v.exact, {1, 1});
  expect_close("updates", updates, {3}, {1, 0});
  expect_close("p", one.p_, one.p.exact, {1, 1});
  expect_close("v", one.v_, one.v.exact, {1, 1});
  expect_close("running", statistic.p_, statistic.p.exact, {1, 1});
}

KERNEL_TEST(find_non_finite) {
  for_each_storage([](auto tag) {
    using T = decltype(tag);
    for (double bad : {double(INFINITY), -double(INFINITY), double(NAN), 30000.0}) {
      in_case(storage_name<T>(), bad);
      Random random(7);
      std::vector<std::unique_ptr<DeviceArray<T>>> arrays;
      std::vector<FiniteTensor> tensors;
      std::vector<int32_t> want;
      for (size_t t = 0; t < kLengths.size(); ++t) {
        auto values = random_values<T>(kLengths[t], random).stored;
        if (t % 2 == 1) values.back() = from_double<T>(bad);
        want.push_back(t % 2 == 1 && !std::isfinite(bad) ? 1 : 0);
        arrays.push_back(std::make_unique<DeviceArray<T>>(values));
        tensors.push_back({arrays.back()->data(), kLengths[t], storage_of<T>(), {}});
      }
      const DeviceArray<FiniteTensor> tensors_(tensors);
      const auto count = static_cast<int>(tensors.size());
      const DeviceArray<int32_t> flags(std::vector<int32_t>(count, 0)), flag(std::vector<int32_t>(1, 0));
      find_non_finite(tensors_, count, kLargest, flags, flag, stream());
      find_non_finite(tensors_, count, kLargest, nullptr, nullptr, stream());
      expect_equal("flags", flags, want);
      expect_equal("flag", flag, std::vector<int32_t>{std::isfinite(bad) ? 0 : 2});
    }
  });
}

KERNEL_TEST(loss_scale) {
  for (float exponent : {-16.0f, -1.0f, 0.0f, 8.0f}) {
    in_case("exponent", exponent);
    const DeviceArray<LossScale> state(std::vector<LossScale>{{exponent, 7}});
    const DeviceArray<float> scale(1), unscale(1);
    loss_scale(state, scale, unscale, stream());
    expect_equal("scale", scale, std::vector<float>{std::ldexp(65536.0f, static_cast<int>(exponent))});
    expect_equal("unscale", unscale,
                 std::vector<float>{std::ldexp(1 / 65536.0f, static_cast<int>(-exponent))});
  }
}

KERNEL_TEST(loss_scale_update) {
  struct Flags {
    int32_t overflow, failed, hopeless;
  };
  const auto step = [](LossScale before, Flags flags, const LossScale& after, Flags want) {
    const DeviceArray<LossScale> state(std::vector<LossScale>{before});
    const DeviceArray<int32_t> overflow(std::vector<int32_t>{flags.overflow}),
        failed(std::vector<int32_t>{flags.failed}), hopeless(std::vector<int32_t>{flags.hopeless});
    loss_scale_update(state, overflow, failed, hopeless, stream());
    const LossScale got = state.download()[0];
    if (std::memcmp(&got, &after, sizeof got) != 0) fail("another state than expected");
    expect_equal("failed", failed, std::vector<int32_t>{want.failed});
    expect_equal("hopeless", hopeless, std::vector<int32_t>{want.hopeless});
  };
  in_case("good step");
  step({-2, 5}, {0, 0, 0}, {-2, 6}, {0, 0, 0});
  in_case("overflow");
  step({0, 5}, {3, 0, 0}, {-1, 0}, {0, 1, 0});
  in_case("2,000 good steps");
  step({0, 1999}, {0, 0, 0}, {1, 0}, {0, 0, 0});
  in_case("largest scale");
  step({8, 1999}, {0, 0, 0}, {8, 0}, {0, 0, 0});
  in_case("smallest scale");
  step({-16, 5}, {1, 0, 0}, {-16, 0}, {0, 1, 1});
  in_case("another check failed");
  step({0, 5}, {1, 2, 0}, {0, 5}, {0, 2, 0});
}

KERNEL_TEST(fold_batch_norm) {
  for (const auto& [outputs, per_output] : {std::pair<int64_t, int64_t>{1, 1}, {3, 27}, {20, 300}}) {
    for (bool has_bias : {false, true}) {
      in_case(outputs, per_output, "bias", has_bias);
      Random random(outputs);
      const auto weight = random_values<float>(outputs * per_output, random),
                 bias = random_values<float>(outputs, random);
      const auto gamma = random_values<float>(outputs, random), beta = random_values<float>(outputs, random);
      const auto mean = random_values<float>(outputs, random),
                 variance = random_values<float>(outputs, random, 0.1, 2);
      const DeviceArray<float> weight_(weight.stored), bias_(bias.stored), gamma_(gamma.stored),
          beta_(beta.stored), mean_(mean.stored), variance_(variance.stored), folded(outputs * per_output),
          folded_bias(outputs);
      fold_batch_norm(weight_, has_bias ? bias_.data() : nullptr, {gamma_, beta_, mean_, variance_}, 1e-5,
                      folded, folded_bias, outputs, per_output, stream());
      std::vector<double> want(outputs * per_output), want_bias(outputs);
      for (int64_t i = 0; i < outputs * per_output; ++i) {
        const int64_t k = i / per_output;
        const double factor = gamma.exact[k] / std::sqrt(variance.exact[k] + 1e-5);
        want[i] = weight.exact[i] * factor;
        want_bias[k] = beta.exact[k] + ((has_bias ? bias.exact[k] : 0) - mean.exact[k]) * factor;
      }
      expect_close("weight", folded, want, {1, 0});
      expect_close("bias", folded_bias, want_bias, {1, 0});
    }
  }
}

}  // namespace senet::cuda::test
