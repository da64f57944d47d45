// batch_norm and its gradient: a norm_tail with nothing riding on it (kernels/norm_tail.cuh).
#include "backends/cuda/ops/step.h"

namespace senet::cuda {

namespace {

TailKind kind_of(const Node& node, const Value& x) {
  TailKind kind;
  kind.size = checked_size(node, x);
  kind.training = node.flag("training");
  kind.eps = node.number("eps");
  return kind;
}

}  // namespace

StepPlan prepare_batch_norm(const Kit& kit, const PrepareContext& context) {
  const Node& node = context.node;
  require_operands(node, 5, 1);
  const TailKind kind = kind_of(node, context.in(0));
  for (size_t i = 1; i < 5; ++i) require_input_floats(context, i, kind.size.channels);
  // Sums of the convolution that made x (passes/take_statistics.cc).
  for (size_t i = 5; i < 7; ++i) require_input_floats(context, i, kind.size.images * kind.size.channels);
  require(node.has_input(5) == node.has_input(6), node, "both sums of x");
  for (size_t i = 1; i < 3; ++i) require_output_floats(context, i, kind.size.channels);
  require_same(node, context.in(0), context.out(0));
  StepPlan plan = typed_launch_plan(
      "norm_tail", storage_of(context.in(0)),
      [stream = kit.stream, kind](const Operands& at, auto tag) {
        using T = TypeOf<decltype(tag)>;
        TailForward<T> o;
        o.x = at.in<T>(0);
        o.norm = {at.in(1), at.in(2), at.in(3), at.in(4)};
        o.sums = {at.in(5), at.in(6)};
        o.y = at.out<T>(0);
        o.mean = at.out(1);
        o.variance = at.out(2);
        norm_tail_forward(kind, o, at.workspace(), stream->get());
      },
      norm_tail_forward_workspace_bytes(kind));
  if (kind.training && !node.has_input(5)) plan.extra_bytes = context.input_bytes({0});  // for the statistics
  plan.reuse = {{0, 0}};
  return plan;
}

StepPlan prepare_batch_norm_grad(const Kit& kit, const PrepareContext& context) {
  const Node& node = context.node;
  require_operands(node, 5, 1);
  const TailKind kind = kind_of(node, context.in(1));
  for (size_t i = 2; i < 5; ++i) require_input_floats(context, i, kind.size.channels);
  for (size_t i = 1; i < 3; ++i) require_output_floats(context, i, kind.size.channels);
  require_same(node, context.in(1), context.in(0));
  require_same(node, context.in(1), context.out(0));
  StepPlan plan = typed_launch_plan(
      "norm_tail", storage_of(context.in(1)),
      [stream = kit.stream, kind](const Operands& at, auto tag) {
        using T = TypeOf<decltype(tag)>;
        TailBackward<T> o;
        o.dy = at.in<T>(0);
        o.x = at.in<T>(1);
        o.norm = {at.in(2), nullptr, at.in(3), at.in(4)};
        o.dx = at.out<T>(0);
        o.dgamma = at.out(1);
        o.dbeta = at.out(2);
        norm_tail_backward(kind, o, at.workspace(), stream->get());
      },
      norm_tail_backward_workspace_bytes(kind));
  plan.extra_bytes = context.input_bytes({0, 1});  // a pass for the sums
  plan.reuse = {{0, 1}, {0, 0}};
  return plan;
}

}  // namespace senet::cuda
