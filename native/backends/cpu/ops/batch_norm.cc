// batch_norm: y = gamma*(x - mean)*rstd + beta and its gradient, on maps and vectors: norm_tail with neither
// gate, shortcut nor ReLU (kernels/norm_tail.h).
#include "backends/cpu/kernels/norm_tail.h"
#include "backends/cpu/ops/norm_check.h"
#include "backends/cpu/table.h"

namespace senet::cpu {
namespace {

TailKind kind_of(const Node& node, const Value& x) {
  TailKind kind;
  kind.map = checked_layout(node, x);
  kind.training = node.flag("training");
  kind.eps = node.number("eps");
  return kind;
}

template <typename BatchNormStep>
StepPlan plan_of(std::unique_ptr<BatchNormStep> step, const TailKind& kind) {
  StepPlan plan;
  plan.workspace_bytes = step->workspace_bytes();
  plan.step = std::move(step);
  plan.implementation = "norm_tail:" + layout_name(kind.map);
  return plan;
}

// Inputs x, gamma, beta, running_mean, running_var; outputs y, mean?, variance?.
class BatchNorm final : public Step {
 public:
  explicit BatchNorm(const TailKind& kind) : tail_(kind) {}

  size_t workspace_bytes() { return tail_.workspace_bytes(); }

  void bind(const Binding& binding) override {
    const BoundFloats at(binding);
    NormTailForward::Operands o;
    o.x = at.input(0);
    o.norm = {at.input(1), at.input(2), at.input(3), at.input(4)};
    o.y = at.output(0);
    o.mean = at.output(1);
    o.variance = at.output(2);
    tail_.bind(o, binding.workspace);
  }

  void run() override { tail_.run(); }

 private:
  NormTailForward tail_;
};

// Inputs dy, x, gamma, mean, variance; outputs dx, dgamma, dbeta.
class BatchNormGrad final : public Step {
 public:
  explicit BatchNormGrad(const TailKind& kind) : tail_(kind, false) {}

  size_t workspace_bytes() { return tail_.workspace_bytes(); }

  void bind(const Binding& binding) override {
    const BoundFloats at(binding);
    NormTailBackward::Operands o;
    o.dy = at.input(0);
    o.x = at.input(1);
    o.norm = {at.input(2), nullptr, at.input(3), at.input(4)};
    o.dx = at.output(0);
    o.dgamma = at.output(1);
    o.dbeta = at.output(2);
    tail_.bind(o, binding.workspace);
  }

  void run() override { tail_.run(); }

 private:
  NormTailBackward tail_;
};

}  // namespace

StepPlan prepare_batch_norm(const PrepareContext& context) {
  require_operands(context.node, 5, 1);
  const TailKind kind = kind_of(context.node, context.in(0));
  const NormCheck check(context);
  check.inputs({1, 2, 3, 4}, kind.map.channels);
  check.outputs({1, 2}, kind.map.channels);
  check.same_storage(context.in(0), context.out(0));
  StepPlan plan = plan_of(std::make_unique<BatchNorm>(kind), kind);
  if (kind.training) plan.extra_bytes = context.input_bytes({0});  // a pass for the statistics
  plan.reuse = {{0, 0}};
  return plan;
}

StepPlan prepare_batch_norm_grad(const PrepareContext& context) {
  require_operands(context.node, 5, 1);
  const TailKind kind = kind_of(context.node, context.in(1));
  const NormCheck check(context);
  check.inputs({2, 3, 4}, kind.map.channels);
  check.outputs({1, 2}, kind.map.channels);
  check.same_storage(context.in(1), context.in(0));
  check.same_storage(context.in(1), context.out(0));
  StepPlan plan = plan_of(std::make_unique<BatchNormGrad>(kind), kind);
  plan.extra_bytes = context.input_bytes({0, 1});  // a pass for the sums
  plan.reuse = {{0, 1}, {0, 0}};
  return plan;
}

}  // namespace senet::cpu
