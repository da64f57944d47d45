// channel_slice: channels [start, end) of x. channel_slice_grad: dy at those channels, zeros at the others.
#include "backends/cuda/ops/step.h"

namespace senet::cuda {

namespace {

struct Slice {
  int64_t rows, channels, start, end;
};

Slice checked_slice(const Node& node, const Value& whole, const Value& part) {
  const MapSize x = checked_size(node, whole), y = checked_size(node, part);
  require(whole.dtype == part.dtype, node, "input and output of one type");
  require(x.images == y.images && x.positions == y.positions, node, "as many positions as the output has");
  const int64_t start = node.integer("start");
  require(start >= 0 && start + y.channels <= x.channels, node, "channels that x has");
  return {x.images * x.positions, x.channels, start, start + y.channels};
}

}  // namespace

StepPlan prepare_channel_slice(const Kit& kit, const PrepareContext& context) {
  require_operands(context.node, 1, 1);
  const Slice s = checked_slice(context.node, context.in(0), context.out(0));
  return typed_launch_plan(
      "channel_slice", storage_of(context.in(0)), [stream = kit.stream, s](const Operands& at, auto tag) {
        using T = TypeOf<decltype(tag)>;
        channel_slice_forward(at.in<T>(0), at.out<T>(0), s.rows, s.channels, s.start, s.end, stream->get());
      });
}

StepPlan prepare_channel_slice_grad(const Kit& kit, const PrepareContext& context) {
  require_operands(context.node, 1, 1);
  const Slice s = checked_slice(context.node, context.out(0), context.in(0));
  return typed_launch_plan(
      "channel_slice", storage_of(context.in(0)), [stream = kit.stream, s](const Operands& at, auto tag) {
        using T = TypeOf<decltype(tag)>;
        channel_slice_backward(at.in<T>(0), at.out<T>(0), s.rows, s.channels, s.start, s.end, stream->get());
      });
}

}  // namespace senet::cuda
