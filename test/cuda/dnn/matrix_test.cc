// Matrix products: the forward pass of a fully connected layer and both its gradients.
#include "support.h"

namespace senet::cuda::test {

namespace {

constexpr int64_t kRows = 5, kColumns = 9, kDepth = 13;

std::vector<double> product_of(const MatrixProblem& p, const std::vector<float>& a,
                               const std::vector<float>& b, const std::vector<float>& bias) {
  std::vector<double> y;
  for (int64_t i = 0; i < p.rows; ++i) {
    for (int64_t j = 0; j < p.columns; ++j) {
      double sum = p.bias ? double{bias[static_cast<size_t>(j)]} : 0.0;
      for (int64_t k = 0; k < p.depth; ++k) {
        sum += double{a[static_cast<size_t>(p.transpose_a ? k * p.rows + i : i * p.depth + k)]} *
               double{b[static_cast<size_t>(p.transpose_b ? j * p.depth + k : k * p.columns + j)]};
      }
      y.push_back(sum);
    }
  }
  return y;
}

void check_product(const MatrixProblem& p) {
  const auto a = random_values(p.rows * p.depth, 1, p.storage),
             b = random_values(p.depth * p.columns, 2, p.storage);
  const auto bias = random_values(p.columns, 3, Storage::kFloat32);
  const DeviceArray device_a(a, p.storage), device_b(b, p.storage), device_bias(bias, Storage::kFloat32);
  const DeviceArray y(std::vector<float>(static_cast<size_t>(p.rows * p.columns), 0.0f / 0.0f), p.storage);
  DnnOptions options = Session::without_files();
  options.deterministic = true;
  Session session(options);
  session.run(as_convolution("layer", p),
              as_convolution(p, {device_a.get(), device_b.get(), y.get(), device_bias.floats()}));
  expect_close("y", y.read(), product_of(p, a, b, bias), p.tf32 ? 2e-3 : tolerance_of(p.storage));
}

}  // namespace

std::vector<Case> matrix_cases() {
  std::vector<Case> cases;
  const auto add = [&](const std::string& name, const MatrixProblem& problem) {
    cases.push_back({"matrix " + name, [problem] { check_product(problem); }});
  };
  for (const Storage storage : kStorages) {
    const MatrixProblem plain{false, false, kRows, kColumns, kDepth, storage, false, false};
    MatrixProblem forward = plain, grad_weight = plain;
    forward.transpose_b = true;
    grad_weight.transpose_a = true;
    add(std::string("x w^T, ") + name_of(storage), forward);
    forward.bias = true;
    add(std::string("x w^T + bias, ") + name_of(storage), forward);
    add(std::string("dy w, ") + name_of(storage), plain);
    add(std::string("dy^T x, ") + name_of(storage), grad_weight);
    if (storage != Storage::kFloat32) continue;
    forward.tf32 = true;
    add("x w^T + bias, TF32", forward);
  }
  return cases;
}

}  // namespace senet::cuda::test
