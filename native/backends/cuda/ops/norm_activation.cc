// norm_activation: y = gate * act(batch_norm(x)). The algebra is in kernels/norm_activation.cuh.
#include "backends/activation_of.h"
#include "backends/cuda/ops/step.h"
#include "backends/norm_activation_operands.h"

namespace senet::cuda {

namespace {

using namespace norm_activation_operands;

NormActivationKind kind_of(const PrepareContext& context) {
  const Node& node = context.node;
  NormActivationKind kind;
  kind.size = checked_size(node, context.in(kX));
  kind.activation = activation_of<Activation>(node, "activation");
  kind.training = node.flag("training");
  kind.eps = node.number("eps");
  if (node.has_input(kW1)) {
    require(context.in(kW1).shape.size() == 2, node, "w1 [R,C]");
    kind.squeezed = context.in(kW1).shape[0];
    kind.gates = excitation_kind_of<ExcitationKind>(node);
  }
  return kind;
}

void check(const PrepareContext& context, const NormActivationKind& kind) {
  const Node& node = context.node;
  const int64_t channels = kind.size.channels, gates = kind.size.images * channels;
  for (size_t i : {kGamma, kBeta, kRunningMean, kRunningVariance, kB2}) {
    require_input_floats(context, i, channels);
  }
  for (size_t i : {kMean, kVariance}) require_output_floats(context, i, channels);
  require_same(node, context.in(kX), context.out(kY));
  if (kind.squeezed > 0) {
    require(node.has_input(kW2), node, "w2");
    for (size_t i : {kW1, kW2}) require_input_floats(context, i, channels * kind.squeezed);
    require_input_floats(context, kB1, kind.squeezed);
  }
  for (size_t i : {kDeviations, kSquares}) require_input_floats(context, i, gates);
  require(node.has_input(kDeviations) == node.has_input(kSquares), node, "both sums of x");
  for (size_t i : {kSqueeze, kGate, kSlopes, kSlopesX}) require_output_floats(context, i, gates);
  require(node.has_output(kSlopes) == node.has_output(kSlopesX), node, "both sums of slopes");
  require_output_floats(context, kHidden, kind.size.images * kind.squeezed);
}

template <typename T>
NormActivationForward<T> operands_of(const Operands& at) {
  NormActivationForward<T> o;
  o.x = at.in<T>(kX);
  o.norm = {at.in(kGamma), at.in(kBeta), at.in(kRunningMean), at.in(kRunningVariance)};
  o.sums = {at.in(kDeviations), at.in(kSquares)};
  o.weights = {at.in(kW1), at.in(kB1), at.in(kW2), at.in(kB2)};
  o.y = at.out<T>(kY);
  o.mean = at.out(kMean);
  o.variance = at.out(kVariance);
  o.squeeze = at.out(kSqueeze);
  o.hidden = at.out(kHidden);
  o.gate = at.out(kGate);
  o.slopes = at.out(kSlopes);
  o.slopes_x = at.out(kSlopesX);
  return o;
}

}  // namespace

StepPlan prepare_norm_activation(const Kit& kit, const PrepareContext& context) {
  require_operands(context.node, kRunningVariance + 1, 1);
  const NormActivationKind kind = kind_of(context);
  check(context, kind);
  StepPlan plan = typed_launch_plan(
      "norm_activation", storage_of(context.in(kX)),
      [stream = kit.stream, kind](const Operands& at, auto tag) {
        norm_activation_forward(kind, operands_of<TypeOf<decltype(tag)>>(at), at.workspace(), stream->get());
      },
      norm_activation_forward_workspace_bytes(kind));
  plan.reuse = {{kY, kX}};
  // The statistics and the squeeze take a pass each.
  const size_t pass = context.input_bytes({kX});
  if (kind.training && !context.node.has_input(kDeviations)) plan.extra_bytes += pass;
  if (kind.squeezed > 0) plan.extra_bytes += pass;
  return plan;
}

}  // namespace senet::cuda
