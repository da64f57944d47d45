// The gradient of norm_activation, in two passes over memory. The algebra is in kernels/norm_activation.h.
#include "backends/activation_of.h"
#include "backends/cpu/kernels/norm_activation.h"
#include "backends/cpu/ops/norm_check.h"
#include "backends/cpu/table.h"
#include "backends/norm_activation_operands.h"

namespace senet::cpu {
namespace {

using namespace norm_activation_grad_operands;

class NormActivationGrad final : public Step {
 public:
  explicit NormActivationGrad(const NormActivationKind& kind) : passes_(kind) {}

  size_t workspace_bytes() { return passes_.workspace_bytes(); }

  void bind(const Binding& binding) override {
    const BoundFloats at(binding);
    NormActivationBackward::Operands o;
    o.dy = at.input(kDy);
    o.dy_extra = at.input(kDyExtra);
    o.x = at.input(kX);
    o.norm = {at.input(kGamma), at.input(kBeta), at.input(kMean), at.input(kVariance)};
    o.w1 = at.input(kW1);
    o.w2 = at.input(kW2);
    o.squeeze = at.input(kSqueeze);
    o.hidden = at.input(kHidden);
    o.gate = at.input(kGate);
    o.slopes = at.input(kSlopes);
    o.slopes_x = at.input(kSlopesX);
    o.dx = at.output(kDx);
    o.dgamma = at.output(kDgamma);
    o.dbeta = at.output(kDbeta);
    o.weights = {at.output(kDw1), at.output(kDb1), at.output(kDw2), at.output(kDb2), nullptr};
    passes_.bind(o, binding.workspace);
  }

  void run() override { passes_.run(); }

 private:
  NormActivationBackward passes_;
};

NormActivationKind kind_of(const PrepareContext& context) {
  const Node& node = context.node;
  NormActivationKind kind;
  kind.map = checked_layout(node, context.in(kX));
  kind.activation = activation_of<Activation>(node, "activation");
  kind.training = node.flag("training");
  kind.eps = node.number("eps");
  if (node.flag("se")) {
    require(node.has_input(kW1) && context.in(kW1).shape.size() == 2, node, "w1 [R,C]");
    kind.squeezed = context.in(kW1).shape[0];
    kind.gates = excitation_kind_of<ExcitationKind>(node);
  }
  return kind;
}

void check(const PrepareContext& context, const NormActivationKind& kind) {
  const NormCheck check(context);
  const int64_t channels = kind.map.channels;
  check.same_storage(context.in(kX), context.in(kDy));
  check.same_storage(context.in(kX), context.out(kDx));
  if (context.node.has_input(kDyExtra)) check.same_storage(context.in(kX), context.in(kDyExtra));
  check.inputs({kGamma, kBeta, kMean, kVariance}, channels);
  if (kind.excites()) {
    check.inputs({kW1, kW2}, channels * kind.squeezed);
    check.inputs({kSqueeze, kGate, kSlopes, kSlopesX}, kind.gate_count());
    check.inputs({kHidden}, kind.hidden_count());
  }
  check.outputs({kDgamma, kDbeta, kDb2}, channels);
  check.outputs({kDw1, kDw2}, channels * kind.squeezed);
  check.outputs({kDb1}, kind.squeezed);
}

}  // namespace

StepPlan prepare_norm_activation_grad(const PrepareContext& context) {
  const Node& node = context.node;
  require(node.has_input(kDy) && node.has_input(kX) && node.has_output(kDx), node, "dy, x and dx");
  const NormActivationKind kind = kind_of(context);
  check(context, kind);
  auto step = std::make_unique<NormActivationGrad>(kind);
  StepPlan plan;
  plan.workspace_bytes = step->workspace_bytes();
  plan.step = std::move(step);
  plan.extra_bytes = context.input_bytes({kDy, kDyExtra, kX});  // a pass for the sums
  plan.reuse = {{kDx, kX}, {kDx, kDy}, {kDx, kDyExtra}};
  plan.implementation = "norm_activation:" + layout_name(kind.map);
  return plan;
}

}  // namespace senet::cpu
