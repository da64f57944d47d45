// max_pool: y = the greatest x of each window, a NaN counting as greatest; index = its first place in the window.
// The gradient gives each dy to that place.
#include "backends/cuda/ops/pool_size.h"

namespace senet::cuda {

namespace {

void require_index(const Node& node, const Value& index, const Value& y, const PoolSize& size) {
  require_dtype(node, index, DType::kUint8);
  require(index.shape == y.shape, node, "an index for each output");
  require(int64_t{size.rows.kernel} * size.columns.kernel <= 255, node, "windows of at most 255 cells");
}

}  // namespace

StepPlan prepare_max_pool(const Kit& kit, const PrepareContext& context) {
  const Node& node = context.node;
  require_operands(node, 1, 1);
  const PoolSize size = checked_pool(node, context.in(0), context.out(0));
  if (node.has_output(1)) require_index(node, context.out(1), context.out(0), size);
  return typed_launch_plan(
      "max_pool", storage_of(context.in(0)), [stream = kit.stream, size](const Operands& at, auto tag) {
        using T = TypeOf<decltype(tag)>;
        max_pool_forward(at.in<T>(0), at.out<T>(0), at.out<uint8_t>(1), size, stream->get());
      });
}

StepPlan prepare_max_pool_grad(const Kit& kit, const PrepareContext& context) {
  const Node& node = context.node;
  require_operands(node, 2, 1);
  const PoolSize size = checked_pool(node, context.out(0), context.in(0));
  require_index(node, context.in(1), context.in(0), size);
  return typed_launch_plan(
      "max_pool", storage_of(context.in(0)), [stream = kit.stream, size](const Operands& at, auto tag) {
        using T = TypeOf<decltype(tag)>;
        max_pool_backward(at.in<T>(0), at.in<uint8_t>(1), at.out<T>(0), size, stream->get());
      });
}

}  // namespace senet::cuda
