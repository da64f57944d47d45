// The gradient of norm_activation in two passes over memory (kernels/norm_activation.cuh).
#include "backends/activation_of.h"
#include "backends/cuda/ops/step.h"
#include "backends/norm_activation_operands.h"

namespace senet::cuda {

namespace {

using namespace norm_activation_grad_operands;

NormActivationKind kind_of(const PrepareContext& context) {
  const Node& node = context.node;
  NormActivationKind kind;
  kind.size = checked_size(node, context.in(kX));
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
  const Node& node = context.node;
  const int64_t channels = kind.size.channels, gates = kind.size.images * channels;
  const auto given = [&](std::initializer_list<size_t> inputs) {
    for (size_t i : inputs) require(node.has_input(i), node, "an input at position " + std::to_string(i));
  };
  given({kGamma, kBeta, kMean, kVariance});
  for (size_t i : {kGamma, kBeta, kMean, kVariance}) require_input_floats(context, i, channels);
  require_same(node, context.in(kX), context.in(kDy));
  require_same(node, context.in(kX), context.out(kDx));
  if (node.has_input(kDyExtra)) require_same(node, context.in(kX), context.in(kDyExtra));
  if (kind.squeezed > 0) {
    given({kW2, kSqueeze, kHidden, kGate, kSlopes, kSlopesX});
    for (size_t i : {kW1, kW2}) require_input_floats(context, i, channels * kind.squeezed);
    for (size_t i : {kSqueeze, kGate, kSlopes, kSlopesX}) require_input_floats(context, i, gates);
    require_input_floats(context, kHidden, kind.size.images * kind.squeezed);
  }
  for (size_t i : {kDgamma, kDbeta, kDb2}) require_output_floats(context, i, channels);
  for (size_t i : {kDw1, kDw2}) require_output_floats(context, i, channels * kind.squeezed);
  require_output_floats(context, kDb1, kind.squeezed);
}

template <typename T>
NormActivationBackward<T> operands_of(const Operands& at) {
  NormActivationBackward<T> o;
  o.dy = at.in<T>(kDy);
  o.dy_extra = at.in<T>(kDyExtra);
  o.x = at.in<T>(kX);
  o.norm = {at.in(kGamma), at.in(kBeta), at.in(kMean), at.in(kVariance)};
  o.w1 = at.in(kW1);
  o.w2 = at.in(kW2);
  o.squeeze = at.in(kSqueeze);
  o.hidden = at.in(kHidden);
  o.gate = at.in(kGate);
  o.slopes = at.in(kSlopes);
  o.slopes_x = at.in(kSlopesX);
  o.dx = at.out<T>(kDx);
  o.dgamma = at.out(kDgamma);
  o.dbeta = at.out(kDbeta);
  o.weights = {at.out(kDw1), at.out(kDb1), at.out(kDw2), at.out(kDb2), nullptr};
  return o;
}

}  // namespace

StepPlan prepare_norm_activation_grad(const Kit& kit, const PrepareContext& context) {
  const Node& node = context.node;
  require(node.has_input(kDy) && node.has_input(kX) && node.has_output(kDx), node, "dy, x and dx");
  const NormActivationKind kind = kind_of(context);
  check(context, kind);
  StepPlan plan = typed_launch_plan(
      "norm_activation", storage_of(context.in(kX)),
      [stream = kit.stream, kind](const Operands& at, auto tag) {
        norm_activation_backward(kind, operands_of<TypeOf<decltype(tag)>>(at), at.workspace(), stream->get());
      },
      norm_activation_backward_workspace_bytes(kind));
  plan.extra_bytes = context.input_bytes({kDy, kDyExtra, kX});  // a pass for the sums
  plan.reuse = {{kDx, kX}, {kDx, kDy}, {kDx, kDyExtra}};
  return plan;
}

}  // namespace senet::cuda
