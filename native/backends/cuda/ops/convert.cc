// convert: the same values in another storage type.
#include "backends/cuda/ops/step.h"

namespace senet::cuda {

StepPlan prepare_convert(const Kit& kit, const PrepareContext& context) {
  const Node& node = context.node;
  require_operands(node, 1, 1);
  require(is_float(context.in(0)) && is_float(context.out(0)), node, "floats");
  require(context.in(0).shape == context.out(0).shape, node, "equal shapes");
  const Storage from = storage_of(context.in(0)), to = storage_of(context.out(0));
  require((from == Storage::kFloat32) != (to == Storage::kFloat32), node, "one side in float32");
  const int64_t count = context.in(0).elements();
  if (from == Storage::kFloat32) {
    return typed_launch_plan("convert", to, [stream = kit.stream, count](const Operands& at, auto tag) {
      using To = TypeOf<decltype(tag)>;
      if constexpr (!std::is_same_v<To, float>) convert(at.in(0), at.out<To>(0), count, stream->get());
    });
  }
  return typed_launch_plan("convert", from, [stream = kit.stream, count](const Operands& at, auto tag) {
    using From = TypeOf<decltype(tag)>;
    if constexpr (!std::is_same_v<From, float>) convert(at.in<From>(0), at.out(0), count, stream->get());
  });
}

}  // namespace senet::cuda
