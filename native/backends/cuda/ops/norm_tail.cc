// norm_tail: y = relu?( gate * batch_norm(x) + identity ), the tail of a residual block in two passes over memory.
// The algebra is in kernels/norm_tail.cuh.
#include "backends/activation_of.h"
#include "backends/cuda/ops/step.h"
#include "backends/norm_tail_operands.h"

namespace senet::cuda {

namespace {

using namespace norm_tail_operands;

TailKind kind_of(const PrepareContext& context) {
  const Node& node = context.node;
  TailKind kind;
  kind.size = checked_size(node, context.in(kX));
  if (node.has_input(kIdentity)) {
    kind.shortcut = node.has_input(kGamma2) ? Shortcut::kProjected : Shortcut::kPlain;
  }
  kind.relu = node.flag("relu");
  kind.training = node.flag("training");
  kind.eps = node.number("eps");
  if (kind.shortcut == Shortcut::kProjected) kind.eps2 = node.number("eps2");
  if (node.has_input(kW1)) {
    require(context.in(kW1).shape.size() == 2, node, "w1 [R,C]");
    kind.squeezed = context.in(kW1).shape[0];
    kind.gates = excitation_kind_of<ExcitationKind>(node);
  }
  return kind;
}

void check(const PrepareContext& context, const TailKind& kind) {
  const Node& node = context.node;
  const int64_t channels = kind.size.channels, gates = kind.size.images * channels;
  for (size_t i : {kGamma, kBeta, kRunningMean, kRunningVariance, kGamma2, kBeta2, kRunningMean2,
                   kRunningVariance2, kB2}) {
    require_input_floats(context, i, channels);
  }
  for (size_t i : {kMean, kVariance, kMean2, kVariance2}) require_output_floats(context, i, channels);
  if (kind.shortcut == Shortcut::kProjected) require_operands(node, kRunningVariance2 + 1, 1);
  require_same(node, context.in(kX), context.out(kY));
  if (kind.shortcut != Shortcut::kNone) require_same(node, context.in(kX), context.in(kIdentity));
  if (kind.squeezed > 0) {
    require(node.has_input(kW2), node, "w2");
    for (size_t i : {kW1, kW2}) require_input_floats(context, i, channels * kind.squeezed);
    require_input_floats(context, kB1, kind.squeezed);
  }
  for (size_t i : {kDeviations, kSquares, kDeviations2, kSquares2}) require_input_floats(context, i, gates);
  require(node.has_input(kDeviations) == node.has_input(kSquares), node, "both sums of x");
  require(node.has_input(kDeviations2) == node.has_input(kSquares2), node, "both sums of the shortcut");
  for (size_t i : {kSampleMean, kGate}) require_output_floats(context, i, gates);
  require_output_floats(context, kHidden, kind.size.images * kind.squeezed);
  if (node.has_output(kMask)) {
    require_dtype(node, context.out(kMask), DType::kUint8);
    require(context.out(kMask).elements() == (kind.size.elements() + 7) / 8, node, "one bit per element");
  }
}

template <typename T>
TailForward<T> operands_of(const Operands& at) {
  TailForward<T> o;
  o.x = at.in<T>(kX);
  o.norm = {at.in(kGamma), at.in(kBeta), at.in(kRunningMean), at.in(kRunningVariance)};
  o.sums = {at.in(kDeviations), at.in(kSquares)};
  o.identity = at.in<T>(kIdentity);
  o.norm2 = {at.in(kGamma2), at.in(kBeta2), at.in(kRunningMean2), at.in(kRunningVariance2)};
  o.sums2 = {at.in(kDeviations2), at.in(kSquares2)};
  o.weights = {at.in(kW1), at.in(kB1), at.in(kW2), at.in(kB2)};
  o.y = at.out<T>(kY);
  o.mean = at.out(kMean);
  o.variance = at.out(kVariance);
  o.mean2 = at.out(kMean2);
  o.variance2 = at.out(kVariance2);
  o.sample_mean = at.out(kSampleMean);
  o.hidden = at.out(kHidden);
  o.gate = at.out(kGate);
  o.mask = at.out<uint8_t>(kMask);
  return o;
}

}  // namespace

StepPlan prepare_norm_tail(const Kit& kit, const PrepareContext& context) {
  require_operands(context.node, kRunningVariance + 1, 1);
  const TailKind kind = kind_of(context);
  check(context, kind);
  StepPlan plan = typed_launch_plan(
      "norm_tail", storage_of(context.in(kX)),
      [stream = kit.stream, kind](const Operands& at, auto tag) {
        norm_tail_forward(kind, operands_of<TypeOf<decltype(tag)>>(at), at.workspace(), stream->get());
      },
      norm_tail_forward_workspace_bytes(kind));
  plan.reuse = {{kY, kX}};
  // Statistics of both norms, or the squeeze, take a pass ahead.
  const Node& node = context.node;
  const bool projected = kind.shortcut == Shortcut::kProjected;
  if ((kind.training || kind.squeezed > 0) && !node.has_input(kDeviations)) {
    plan.extra_bytes = context.input_bytes({kX});
  }
  if (kind.training && projected && !node.has_input(kDeviations2)) {
    plan.extra_bytes += context.input_bytes({kIdentity});
  }
  if (kind.shortcut != Shortcut::kNone) plan.reuse.push_back({kY, kIdentity});
  return plan;
}

}  // namespace senet::cuda
