// normalise_pixels: y = table[256 c + pixel] of bytes.
#include "backends/cuda/ops/step.h"

namespace senet::cuda {

StepPlan prepare_normalise_pixels(const Kit& kit, const PrepareContext& context) {
  const Node& node = context.node;
  require_operands(node, 2, 1);
  require_dtype(node, context.in(0), DType::kUint8);
  const MapSize size = checked_size(node, context.out(0));
  require(context.in(0).shape == context.out(0).shape, node, "equal shapes");
  require_floats(node, context.in(1), 256 * size.channels);
  return typed_launch_plan("normalise_pixels", storage_of(context.out(0)),
                           [stream = kit.stream, count = context.out(0).elements(), channels = size.channels](
                               const Operands& at, auto tag) {
                             using T = TypeOf<decltype(tag)>;
                             normalise_pixels(at.in<uint8_t>(0), at.in(1), at.out<T>(0), count, channels,
                                              stream->get());
                           });
}

}  // namespace senet::cuda
