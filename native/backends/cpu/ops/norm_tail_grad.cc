// The gradient of norm_tail, in two passes over memory. The algebra is in kernels/norm_tail.h.
#include "backends/activation_of.h"
#include "backends/cpu/kernels/norm_tail.h"
#include "backends/cpu/ops/norm_check.h"
#include "backends/cpu/table.h"
#include "backends/norm_tail_operands.h"

namespace senet::cpu {
namespace {

using namespace norm_tail_grad_operands;

class NormTailGrad final : public Step {
 public:
  NormTailGrad(const TailKind& kind, bool has_didentity) : tail_(kind, has_didentity) {}

  size_t workspace_bytes() { return tail_.workspace_bytes(); }

  void bind(const Binding& binding) override {
    const BoundFloats at(binding);
    NormTailBackward::Operands o;
    o.dy = at.input(kDy);
    o.dy_extra = at.input(kDyExtra);
    o.x = at.input(kX);
    o.norm = {at.input(kGamma), at.input(kBeta), at.input(kMean), at.input(kVariance)};
    o.identity = at.input(kIdentity);
    o.norm2 = {at.input(kGamma2), nullptr, at.input(kMean2), at.input(kVariance2)};
    o.w1 = at.input(kW1);
    o.w2 = at.input(kW2);
    o.sample_mean = at.input(kSampleMean);
    o.hidden = at.input(kHidden);
    o.gate = at.input(kGate);
    o.mask = at.input_bytes(kMask);
    o.dx = at.output(kDx);
    o.dgamma = at.output(kDgamma);
    o.dbeta = at.output(kDbeta);
    o.didentity = at.output(kDidentity);
    o.dgamma2 = at.output(kDgamma2);
    o.dbeta2 = at.output(kDbeta2);
    o.weights = {at.output(kDw1), at.output(kDb1), at.output(kDw2), at.output(kDb2), nullptr};
    tail_.bind(o, binding.workspace);
  }

  void run() override { tail_.run(); }

 private:
  NormTailBackward tail_;
};

TailKind kind_of(const PrepareContext& context) {
  const Node& node = context.node;
  TailKind kind;
  kind.map = checked_layout(node, context.in(kX));
  const bool projected = node.flag("project");
  if (projected || node.flag("identity")) kind.shortcut = projected ? Shortcut::kProjected : Shortcut::kPlain;
  kind.relu = node.flag("relu");
  kind.training = node.flag("training");
  kind.eps = node.number("eps");
  if (projected) kind.eps2 = node.number("eps2");
  if (node.flag("se")) {
    require(node.has_input(kW1) && context.in(kW1).shape.size() == 2, node, "w1 [R,C]");
    kind.squeezed = context.in(kW1).shape[0];
    kind.gates = excitation_kind_of<ExcitationKind>(node);
  }
  return kind;
}

void check_inputs(const PrepareContext& context, const TailKind& kind) {
  const NormCheck check(context);
  const Node& node = context.node;
  const int64_t channels = kind.map.channels;
  check.same_storage(context.in(kX), context.in(kDy));
  if (node.has_input(kDyExtra)) check.same_storage(context.in(kX), context.in(kDyExtra));
  check.inputs({kGamma, kBeta, kMean, kVariance}, channels);
  if (kind.shortcut == Shortcut::kProjected) {
    check.inputs({kGamma2, kMean2, kVariance2}, channels);
    check.inputs({kIdentity}, kind.map.elements());
    check.same_storage(context.in(kX), context.in(kIdentity));
  }
  if (kind.excites()) {
    check.inputs({kW1, kW2}, channels * kind.squeezed);
    check.inputs({kSampleMean, kGate}, kind.map.images * channels);
    check.inputs({kHidden}, kind.map.images * kind.squeezed);
  }
  if (kind.relu && kind.shortcut != Shortcut::kNone) {
    require(node.has_input(kMask), node, "the mask of the forward pass");
    check.mask(context.in(kMask), kind.map.elements());
  }
}

void check_outputs(const PrepareContext& context, const TailKind& kind) {
  const NormCheck check(context);
  const int64_t channels = kind.map.channels;
  check.same_storage(context.in(kX), context.out(kDx));
  if (context.node.has_output(kDidentity)) check.same_storage(context.in(kX), context.out(kDidentity));
  check.outputs({kDgamma, kDbeta, kDgamma2, kDbeta2, kDb2}, channels);
  check.outputs({kDw1, kDw2}, channels * kind.squeezed);
  check.outputs({kDb1}, kind.squeezed);
}

}  // namespace

StepPlan prepare_norm_tail_grad(const PrepareContext& context) {
  const Node& node = context.node;
  require(node.has_input(kDy) && node.has_input(kX) && node.has_output(kDx), node, "dy, x and dx");
  const TailKind kind = kind_of(context);
  check_inputs(context, kind);
  check_outputs(context, kind);
  auto step = std::make_unique<NormTailGrad>(kind, node.has_output(kDidentity));
  StepPlan plan;
  plan.workspace_bytes = step->workspace_bytes();
  plan.step = std::move(step);
  plan.extra_bytes = context.input_bytes({kDy, kDyExtra, kX, kMask});  // a pass for the sums
  if (kind.shortcut == Shortcut::kProjected) plan.extra_bytes += context.input_bytes({kIdentity});
  plan.reuse = {{kDx, kX}};
  // g, or without a shortcut dx, takes the place of the gradient that came in.
  const int over_dy = kind.shortcut == Shortcut::kNone ? kDx : kDidentity;
  plan.reuse.push_back({over_dy, kDy});
  plan.reuse.push_back({over_dy, kDyExtra});
  plan.implementation = "norm_tail:" + layout_name(kind.map);
  return plan;
}

}  // namespace senet::cpu
