// avg_pool: y = the sum of each window divided by its cells in the input, with countIncludePad also those in its
// padding. The gradient spreads each dy likewise.
#include "backends/cuda/ops/pool_size.h"

namespace senet::cuda {

StepPlan prepare_avg_pool(const Kit& kit, const PrepareContext& context) {
  const Node& node = context.node;
  require_operands(node, 1, 1);
  const PoolSize size = checked_pool(node, context.in(0), context.out(0));
  return typed_launch_plan(
      "avg_pool", storage_of(context.in(0)),
      [stream = kit.stream, size, padded = node.flag("countIncludePad")](const Operands& at, auto tag) {
        using T = TypeOf<decltype(tag)>;
        avg_pool_forward(at.in<T>(0), at.out<T>(0), size, padded, stream->get());
      });
}

StepPlan prepare_avg_pool_grad(const Kit& kit, const PrepareContext& context) {
  const Node& node = context.node;
  require_operands(node, 1, 1);
  const PoolSize size = checked_pool(node, context.out(0), context.in(0));
  return typed_launch_plan(
      "avg_pool", storage_of(context.in(0)),
      [stream = kit.stream, size, padded = node.flag("countIncludePad")](const Operands& at, auto tag) {
        using T = TypeOf<decltype(tag)>;
        avg_pool_backward(at.in<T>(0), at.out<T>(0), size, padded, stream->get());
      });
}

}  // namespace senet::cuda
