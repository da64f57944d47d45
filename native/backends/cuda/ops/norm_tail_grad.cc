// The gradient of norm_tail in two passes over memory (kernels/norm_tail.cuh).
#include "backends/activation_of.h"
#include "backends/cuda/ops/step.h"
#include "backends/norm_tail_operands.h"

namespace senet::cuda {

namespace {

using namespace norm_tail_grad_operands;

TailKind kind_of(const PrepareContext& context) {
  const Node& node = context.node;
  TailKind kind;
  kind.size = checked_size(node, context.in(kX));
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
  const Node& node = context.node;
  const int64_t channels = kind.size.channels, gates = kind.size.images * channels;
  const auto given = [&](std::initializer_list<size_t> inputs) {
    for (size_t i : inputs) require(node.has_input(i), node, "an input at position " + std::to_string(i));
  };
  given({kGamma, kBeta, kMean, kVariance});
  for (size_t i : {kGamma, kBeta, kMean, kVariance, kGamma2, kMean2, kVariance2}) {
    require_input_floats(context, i, channels);
  }
  for (size_t i : {kDy, kDyExtra}) {
    if (node.has_input(i)) require_same(node, context.in(kX), context.in(i));
  }
  if (kind.shortcut == Shortcut::kProjected) {
    given({kIdentity, kGamma2, kMean2, kVariance2});
    require_same(node, context.in(kX), context.in(kIdentity));
  }
  if (kind.squeezed > 0) {
    given({kW2, kSampleMean, kHidden, kGate});
    for (size_t i : {kW1, kW2}) require_input_floats(context, i, channels * kind.squeezed);
    for (size_t i : {kSampleMean, kGate}) require_input_floats(context, i, gates);
    require_input_floats(context, kHidden, kind.size.images * kind.squeezed);
  }
  if (kind.relu && kind.shortcut != Shortcut::kNone) {
    given({kMask});
    require_dtype(node, context.in(kMask), DType::kUint8);
    require(context.in(kMask).elements() == (kind.size.elements() + 7) / 8, node, "one bit per element");
  }
}

void check_outputs(const PrepareContext& context, const TailKind& kind) {
  const int64_t channels = kind.size.channels;
  for (size_t i : {kDx, kDidentity}) {
    if (context.node.has_output(i)) require_same(context.node, context.in(kX), context.out(i));
  }
  for (size_t i : {kDgamma, kDbeta, kDgamma2, kDbeta2, kDb2}) require_output_floats(context, i, channels);
  for (size_t i : {kDw1, kDw2}) require_output_floats(context, i, channels * kind.squeezed);
  require_output_floats(context, kDb1, kind.squeezed);
}

template <typename T>
TailBackward<T> operands_of(const Operands& at) {
  TailBackward<T> o;
  o.dy = at.in<T>(kDy);
  o.dy_extra = at.in<T>(kDyExtra);
  o.x = at.in<T>(kX);
  o.norm = {at.in(kGamma), at.in(kBeta), at.in(kMean), at.in(kVariance)};
  o.identity = at.in<T>(kIdentity);
  o.norm2 = {at.in(kGamma2), nullptr, at.in(kMean2), at.in(kVariance2)};
  o.w1 = at.in(kW1);
  o.w2 = at.in(kW2);
  o.sample_mean = at.in(kSampleMean);
  o.hidden = at.in(kHidden);
  o.gate = at.in(kGate);
  o.mask = at.in<uint8_t>(kMask);
  o.dx = at.out<T>(kDx);
  o.dgamma = at.out(kDgamma);
  o.dbeta = at.out(kDbeta);
  o.didentity = at.out<T>(kDidentity);
  o.dgamma2 = at.out(kDgamma2);
  o.dbeta2 = at.out(kDbeta2);
  o.weights = {at.out(kDw1), at.out(kDb1), at.out(kDw2), at.out(kDb2), nullptr};
  return o;
}

}  // namespace

StepPlan prepare_norm_tail_grad(const Kit& kit, const PrepareContext& context) {
  const Node& node = context.node;
  require(node.has_input(kDy) && node.has_input(kX) && node.has_output(kDx), node, "dy, x and dx");
  const TailKind kind = kind_of(context);
  check_inputs(context, kind);
  check_outputs(context, kind);
  StepPlan plan = typed_launch_plan(
      "norm_tail", storage_of(context.in(kX)),
      [stream = kit.stream, kind](const Operands& at, auto tag) {
        norm_tail_backward(kind, operands_of<TypeOf<decltype(tag)>>(at), at.workspace(), stream->get());
      },
      norm_tail_backward_workspace_bytes(kind));
  plan.extra_bytes = context.input_bytes({kDy, kDyExtra, kX, kMask});  // a pass for the sums
  if (kind.shortcut == Shortcut::kProjected) plan.extra_bytes += context.input_bytes({kIdentity});
  plan.reuse = {{kDx, kX}};
  // g, or without a shortcut dx, takes the place of the gradient that came in.
  const int over_dy = kind.shortcut == Shortcut::kNone ? kDx : kDidentity;
  plan.reuse.push_back({over_dy, kDy});
  plan.reuse.push_back({over_dy, kDyExtra});
  return plan;
}

}  // namespace senet::cuda
