// global_avg_pool: y[n,c] = the mean of x over positions. Its gradient: dx = dy[n,c] / positions everywhere.
#include "backends/cuda/ops/step.h"

namespace senet::cuda {

StepPlan prepare_global_avg_pool(const Kit& kit, const PrepareContext& context) {
  require_operands(context.node, 1, 1);
  const MapSize size = checked_size(context.node, context.in(0));
  require_floats(context.node, context.out(0), size.images * size.channels);
  return typed_launch_plan(
      "global_avg_pool", storage_of(context.in(0)),
      [stream = kit.stream, size](const Operands& at, auto tag) {
        using T = TypeOf<decltype(tag)>;
        global_avg_pool_forward(at.in<T>(0), at.out(0), size, at.workspace(), stream->get());
      },
      global_avg_pool_forward_workspace_bytes(size));
}

StepPlan prepare_global_avg_pool_grad(const Kit& kit, const PrepareContext& context) {
  require_operands(context.node, 1, 1);
  const MapSize size = checked_size(context.node, context.out(0));
  require_floats(context.node, context.in(0), size.images * size.channels);
  return typed_launch_plan("global_avg_pool", storage_of(context.out(0)),
                           [stream = kit.stream, size](const Operands& at, auto tag) {
                             using T = TypeOf<decltype(tag)>;
                             global_avg_pool_backward(at.in(0), at.out<T>(0), size, stream->get());
                           });
}

}  // namespace senet::cuda
