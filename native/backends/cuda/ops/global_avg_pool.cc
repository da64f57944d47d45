// global_avg_pool: y[n,c] = the mean of x over positions. With the attribute `positions` the input is the sums over
// so many, which the convolution that made x took along (passes/take_squeeze.cc). Its gradient: dx = dy[n,c] /
// positions everywhere.
#include "backends/cuda/ops/step.h"

namespace senet::cuda {

namespace {

StepPlan prepare_mean_of_sums(const Kit& kit, const PrepareContext& context) {
  const Node& node = context.node;
  const Value& means = context.out(0);
  require(means.shape.size() == 2 && means.shape == context.in(0).shape, node, "sums like the means");
  for (const Value* value : {&context.in(0), &means}) require_floats(node, *value, means.elements());
  const MapSize size{means.shape[0], node.integer("positions"), means.shape[1]};
  return launch_plan(
      "mean_of_sums",
      [stream = kit.stream, size](const Operands& at) {
        mean_of_sums(at.in(0), at.out(0), size, at.workspace(), stream->get());
      },
      mean_of_sums_workspace_bytes(size));
}

}  // namespace

StepPlan prepare_global_avg_pool(const Kit& kit, const PrepareContext& context) {
  require_operands(context.node, 1, 1);
  if (context.node.attributes.contains("positions")) return prepare_mean_of_sums(kit, context);
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
