// multiply: y = x * s, s of x's shape or one factor per image and channel. multiply_reduce: y[n,c] = the sum over
// positions of a * b, the gradient of such a factor.
#include "backends/cuda/ops/step.h"

namespace senet::cuda {

StepPlan prepare_multiply(const Kit& kit, const PrepareContext& context) {
  const Node& node = context.node;
  require_operands(node, 2, 1);
  const MapSize size = checked_size(node, context.in(0));
  require_same(node, context.in(0), context.out(0));
  const bool same = context.in(0).shape == context.in(1).shape;
  if (same) {
    require_same(node, context.in(0), context.in(1));
  } else {
    require_floats(node, context.in(1), size.images * size.channels);
  }
  StepPlan plan = typed_launch_plan(
      "multiply", storage_of(context.in(0)), [stream = kit.stream, size, same](const Operands& at, auto tag) {
        using T = TypeOf<decltype(tag)>;
        if (same) {
          multiply(at.in<T>(0), at.in<T>(1), at.out<T>(0), size.elements(), stream->get());
        } else {
          multiply_channels(at.in<T>(0), at.in(1), at.out<T>(0), size, stream->get());
        }
      });
  plan.reuse = {{0, 0}};
  if (same) plan.reuse.push_back({0, 1});
  return plan;
}

StepPlan prepare_multiply_reduce(const Kit& kit, const PrepareContext& context) {
  const Node& node = context.node;
  require_operands(node, 2, 1);
  const MapSize size = checked_size(node, context.in(0));
  require_same(node, context.in(0), context.in(1));
  require_floats(node, context.out(0), size.images * size.channels);
  return typed_launch_plan(
      "multiply_reduce", storage_of(context.in(0)),
      [stream = kit.stream, size](const Operands& at, auto tag) {
        using T = TypeOf<decltype(tag)>;
        multiply_reduce(at.in<T>(0), at.in<T>(1), at.out(0), size, at.workspace(), stream->get());
      },
      multiply_reduce_workspace_bytes(size));
}

}  // namespace senet::cuda
