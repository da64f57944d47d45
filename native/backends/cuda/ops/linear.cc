// linear and its gradients, and matmul: products of float matrices by the library, biases by kernels where it has no
// plan with one.
#include <optional>
#include <utility>

#include "backends/cuda/ops/step.h"
#include "core/memory_plan.h"

namespace senet::cuda {

namespace {

std::pair<int64_t, int64_t> matrix(const Node& node, const Value& value) {
  require_dtype(node, value, DType::kFloat32);
  require(value.shape.size() == 2, node, "a matrix for '" + value.name + "'");
  return {value.shape[0], value.shape[1]};
}

void require_shape(const Node& node, const Value& value, const std::vector<int64_t>& shape) {
  require_dtype(node, value, DType::kFloat32);
  require(value.shape == shape, node, "another shape for '" + value.name + "'");
}

// y = op(a) op(b) with a and b at the given inputs, and a bias: none, added to each row of y (input 2), or the sum over
// the rows of b's partner dy, [rows of the sum, columns] at input 1, as output 1.
class MatrixStep final : public Step {
 public:
  struct Places {
    size_t a, b;
  };
  MatrixStep(const Kit& kit, const Node& node, MatrixProblem problem, Places places)
      : stream_(kit.stream),
        layer_(node.layer),
        problem_(problem),
        places_(places),
        adds_bias_(problem.bias) {
    if (problem_.bias && !kit.dnn->supports(as_convolution(layer_, problem_))) problem_.bias = false;
    plan_ = kit.dnn->plan(layer_, as_convolution(layer_, problem_));
  }

  // Also sums the rows of dy [rows, columns] (input 1) into output 1.
  void sum_rows(int64_t rows, int64_t columns) { summed_ = MapSize{rows, 1, columns}; }

  const std::string& implementation() const { return plan_->implementation(); }
  size_t workspace_bytes() const {
    return std::max(plan_->workspace_bytes(), summed_ ? bias_backward_workspace_bytes(*summed_) : 0);
  }

  void bind(const Binding& binding) override {
    binding_ = binding;
    const Operands at(binding);
    MatrixAddresses addresses;
    addresses.a = at.in(places_.a);
    addresses.b = at.in(places_.b);
    addresses.y = at.out(0);
    addresses.bias = problem_.bias ? at.in(2) : nullptr;
    call_ = plan_->bind(layer_, as_convolution(problem_, addresses),
                        plan_->workspace_bytes() == 0 ? nullptr : binding.workspace);
  }

  void run() override {
    const Operands at(binding_);
    call_.run();
    if (adds_bias_ && !problem_.bias) {
      bias_forward(at.out(0), at.in(2), false, at.out(0), {problem_.rows, 1, problem_.columns},
                   stream_->get());
    }
    if (summed_) bias_backward(at.in(1), at.out(1), *summed_, at.workspace(), stream_->get());
  }

 private:
  std::shared_ptr<const Stream> stream_;
  std::string layer_;
  MatrixProblem problem_;
  Places places_;
  bool adds_bias_;
  std::optional<MapSize> summed_;
  std::optional<Plan> plan_;
  Binding binding_;
  DnnCall call_;
};

MatrixProblem product(const Kit& kit, bool transpose_a, bool transpose_b, int64_t rows, int64_t columns,
                      int64_t depth) {
  MatrixProblem p;
  p.transpose_a = transpose_a;
  p.transpose_b = transpose_b;
  p.rows = rows;
  p.columns = columns;
  p.depth = depth;
  p.tf32 = kit.tf32;
  return p;
}

StepPlan plan_of(std::unique_ptr<MatrixStep> step) {
  StepPlan plan;
  plan.implementation = step->implementation();
  plan.workspace_bytes = step->workspace_bytes();
  plan.step = std::move(step);
  return plan;
}

}  // namespace

// y[N,K] = x[N,C] weight[K,C]^T + bias
StepPlan prepare_linear(const Kit& kit, const PrepareContext& context) {
  const Node& node = context.node;
  require_operands(node, 2, 1);
  const auto [n, c] = matrix(node, context.in(0));
  const int64_t k = matrix(node, context.in(1)).first;
  require_shape(node, context.in(1), {k, c});
  require_shape(node, context.out(0), {n, k});
  MatrixProblem p = product(kit, false, true, n, k, c);
  p.bias = node.has_input(2);
  if (p.bias) require_shape(node, context.in(2), {k});
  return plan_of(std::make_unique<MatrixStep>(kit, node, p, MatrixStep::Places{0, 1}));
}

// dx[N,C] = dy[N,K] weight[K,C]
StepPlan prepare_linear_grad_input(const Kit& kit, const PrepareContext& context) {
  const Node& node = context.node;
  require_operands(node, 2, 1);
  const auto [n, k] = matrix(node, context.in(0));
  const int64_t c = matrix(node, context.in(1)).second;
  require_shape(node, context.in(1), {k, c});
  require_shape(node, context.out(0), {n, c});
  const MatrixProblem p = product(kit, false, false, n, c, k);
  return plan_of(std::make_unique<MatrixStep>(kit, node, p, MatrixStep::Places{0, 1}));
}

// dweight[K,C] = dy[N,K]^T x[N,C], dbias[K] = sum over n of dy
StepPlan prepare_linear_grad_weight(const Kit& kit, const PrepareContext& context) {
  const Node& node = context.node;
  require_operands(node, 2, 1);
  const auto [n, c] = matrix(node, context.in(0));
  const int64_t k = matrix(node, context.in(1)).second;
  require_shape(node, context.in(1), {n, k});
  require_shape(node, context.out(0), {k, c});
  const MatrixProblem p = product(kit, true, false, k, c, n);
  auto step = std::make_unique<MatrixStep>(kit, node, p, MatrixStep::Places{1, 0});
  if (node.has_output(1)) {
    require_shape(node, context.out(1), {k});
    step->sum_rows(n, k);
  }
  return plan_of(std::move(step));
}

// y[M,N] = a[M,K] b[K,N]
StepPlan prepare_matmul(const Kit& kit, const PrepareContext& context) {
  const Node& node = context.node;
  require_operands(node, 2, 1);
  const auto [m, k] = matrix(node, context.in(0));
  const int64_t n = matrix(node, context.in(1)).second;
  require_shape(node, context.in(1), {k, n});
  require_shape(node, context.out(0), {m, n});
  const MatrixProblem p = product(kit, false, false, m, n, k);
  return plan_of(std::make_unique<MatrixStep>(kit, node, p, MatrixStep::Places{0, 1}));
}

}  // namespace senet::cuda
