// flatten: a map as a vector of floats in the order C, H, W, PyTorch's. unflatten: back.
#include "backends/cuda/ops/step.h"

namespace senet::cuda {

StepPlan prepare_flatten(const Kit& kit, const PrepareContext& context) {
  require_operands(context.node, 1, 1);
  const MapSize size = checked_size(context.node, context.in(0));
  require_floats(context.node, context.out(0), size.elements());
  return typed_launch_plan("flatten", storage_of(context.in(0)),
                           [stream = kit.stream, size](const Operands& at, auto tag) {
                             using T = TypeOf<decltype(tag)>;
                             flatten(at.in<T>(0), at.out(0), size, stream->get());
                           });
}

StepPlan prepare_unflatten(const Kit& kit, const PrepareContext& context) {
  require_operands(context.node, 1, 1);
  const MapSize size = checked_size(context.node, context.out(0));
  require_floats(context.node, context.in(0), size.elements());
  return typed_launch_plan("flatten", storage_of(context.out(0)),
                           [stream = kit.stream, size](const Operands& at, auto tag) {
                             using T = TypeOf<decltype(tag)>;
                             unflatten(at.in(0), at.out<T>(0), size, stream->get());
                           });
}

}  // namespace senet::cuda
