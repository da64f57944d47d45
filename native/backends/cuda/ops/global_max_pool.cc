// global_max_pool: y[n,c] = the greatest x over positions, a NaN counting as greatest; index = its first position.
// The gradient gives dy to that position.
#include "backends/cuda/ops/step.h"

namespace senet::cuda {

namespace {

void require_index(const Node& node, const Value& index, const MapSize& size) {
  require_dtype(node, index, DType::kInt32);
  require(index.elements() == size.images * size.channels, node, "one position per image and channel");
}

}  // namespace

StepPlan prepare_global_max_pool(const Kit& kit, const PrepareContext& context) {
  const Node& node = context.node;
  require_operands(node, 1, 1);
  const MapSize size = checked_size(node, context.in(0));
  require_floats(node, context.out(0), size.images * size.channels);
  if (node.has_output(1)) require_index(node, context.out(1), size);
  return typed_launch_plan("global_max_pool", storage_of(context.in(0)),
                           [stream = kit.stream, size](const Operands& at, auto tag) {
                             using T = TypeOf<decltype(tag)>;
                             global_max_pool_forward(at.in<T>(0), at.out(0), at.out<int32_t>(1), size,
                                                     stream->get());
                           });
}

StepPlan prepare_global_max_pool_grad(const Kit& kit, const PrepareContext& context) {
  const Node& node = context.node;
  require_operands(node, 2, 1);
  const MapSize size = checked_size(node, context.out(0));
  require_floats(node, context.in(0), size.images * size.channels);
  require_index(node, context.in(1), size);
  return typed_launch_plan("global_max_pool", storage_of(context.out(0)),
                           [stream = kit.stream, size](const Operands& at, auto tag) {
                             using T = TypeOf<decltype(tag)>;
                             global_max_pool_backward(at.in(0), at.in<int32_t>(1), at.out<T>(0), size,
                                                      stream->get());
                           });
}

}  // namespace senet::cuda
