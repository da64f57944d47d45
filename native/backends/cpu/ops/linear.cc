// Fully connected layers and products of matrices, by oneDNN's sgemm; the bias by loops.
#include <algorithm>
#include <memory>

#include "backends/cpu/onednn.h"
#include "backends/cpu/ops/check.h"
#include "backends/cpu/table.h"

namespace senet::cpu {

namespace {

// [rows, columns] of a matrix value.
std::pair<int64_t, int64_t> matrix(const Node& node, const Value& value) {
  require_dtype(node, value, DType::kFloat32);
  require(value.shape.size() == 2, node, "a matrix for '" + value.name + "'");
  return {value.shape[0], value.shape[1]};
}

void require_shape(const Node& node, const Value& value, const std::vector<int64_t>& shape) {
  require_dtype(node, value, DType::kFloat32);
  require(value.shape == shape, node, "another shape for '" + value.name + "'");
}

// y = op(a) op(b), and each row of y + bias, or bias = sum over the rows of a.
class MatrixStep final : public Step {
 public:
  enum class Bias { kNone, kAdd, kSum };

  MatrixStep(const Node& node, const MatrixProduct& product, size_t a, size_t b, Bias bias)
      : layer_(node.layer), product_(product), a_position_(a), b_position_(b), bias_(bias) {}

  void bind(const Binding& binding) override {
    a_ = static_cast<const float*>(binding.inputs[a_position_]);
    b_ = static_cast<const float*>(binding.inputs[b_position_]);
    y_ = static_cast<float*>(binding.outputs[0]);
    if (bias_ == Bias::kAdd) added_ = static_cast<const float*>(binding.inputs[2]);
    if (bias_ == Bias::kSum) summed_ = static_cast<float*>(binding.outputs[1]);
  }

  void run() override {
    const int64_t columns = product_.columns;
    if (bias_ == Bias::kAdd) {
      for (int64_t row = 0; row < product_.rows; ++row) std::copy_n(added_, columns, y_ + row * columns);
    }
    multiply_matrices(layer_, product_, a_, b_, y_);
    if (bias_ == Bias::kSum) sum_rows();
  }

 private:
  // a is dy [depth, rows] here.
  void sum_rows() const {
    std::fill_n(summed_, product_.rows, 0.0f);
    for (int64_t n = 0; n < product_.depth; ++n) {
      for (int64_t k = 0; k < product_.rows; ++k) summed_[k] += a_[n * product_.rows + k];
    }
  }

  std::string layer_;
  MatrixProduct product_;
  size_t a_position_, b_position_;
  Bias bias_;
  const float *a_ = nullptr, *b_ = nullptr, *added_ = nullptr;
  float *y_ = nullptr, *summed_ = nullptr;
};

StepPlan plan_of(const Node& node, const MatrixProduct& product, size_t a, size_t b,
                 MatrixStep::Bias bias = MatrixStep::Bias::kNone) {
  StepPlan plan;
  plan.step = std::make_unique<MatrixStep>(node, product, a, b, bias);
  plan.implementation = "sgemm";
  return plan;
}

}  // namespace

// y[N,K] = x[N,C] weight[K,C]^T + bias
StepPlan prepare_linear(const PrepareContext& context) {
  const Node& node = context.node;
  require_operands(node, 2, 1);
  const auto [n, c] = matrix(node, context.in(0));
  const int64_t k = matrix(node, context.in(1)).first;
  require_shape(node, context.in(1), {k, c});
  require_shape(node, context.out(0), {n, k});
  const bool bias = node.has_input(2);
  if (bias) require_shape(node, context.in(2), {k});
  return plan_of(node, {false, true, n, k, c, bias ? 1.0f : 0.0f}, 0, 1,
                 bias ? MatrixStep::Bias::kAdd : MatrixStep::Bias::kNone);
}

// dx[N,C] = dy[N,K] weight[K,C]
StepPlan prepare_linear_grad_input(const PrepareContext& context) {
  const Node& node = context.node;
  require_operands(node, 2, 1);
  const auto [n, k] = matrix(node, context.in(0));
  const int64_t c = matrix(node, context.in(1)).second;
  require_shape(node, context.in(1), {k, c});
  require_shape(node, context.out(0), {n, c});
  return plan_of(node, {false, false, n, c, k, 0.0f}, 0, 1);
}

// dweight[K,C] = dy[N,K]^T x[N,C], dbias[K] = sum over n of dy
StepPlan prepare_linear_grad_weight(const PrepareContext& context) {
  const Node& node = context.node;
  require_operands(node, 2, 1);
  const auto [n, c] = matrix(node, context.in(0));
  const int64_t k = matrix(node, context.in(1)).second;
  require_shape(node, context.in(1), {n, k});
  require_shape(node, context.out(0), {k, c});
  const bool bias = node.has_output(1);
  if (bias) require_shape(node, context.out(1), {k});
  return plan_of(node, {true, false, k, c, n, 0.0f}, 1, 0,
                 bias ? MatrixStep::Bias::kSum : MatrixStep::Bias::kNone);
}

// y[M,N] = a[M,K] b[K,N]
StepPlan prepare_matmul(const PrepareContext& context) {
  const Node& node = context.node;
  require_operands(node, 2, 1);
  const auto [m, k] = matrix(node, context.in(0));
  const int64_t n = matrix(node, context.in(1)).second;
  require_shape(node, context.in(1), {k, n});
  require_shape(node, context.out(0), {m, n});
  return plan_of(node, {false, false, m, n, k, 0.0f}, 0, 1);
}

}  // namespace senet::cpu
