// channel_shuffle: y[i * groups + j] = x[j * (C / groups) + i], channels seen as a matrix and transposed.
#include "backends/cuda/ops/step.h"

namespace senet::cuda {

StepPlan prepare_channel_shuffle(const Kit& kit, const PrepareContext& context) {
  const Node& node = context.node;
  require_operands(node, 1, 1);
  const MapSize size = checked_size(node, context.in(0));
  require_same(node, context.in(0), context.out(0));
  const int64_t groups = node.integer("groups");
  require(groups >= 1 && size.channels % groups == 0, node, "groups that divide the channels");
  return typed_launch_plan("channel_shuffle", storage_of(context.in(0)),
                           [stream = kit.stream, size, groups](const Operands& at, auto tag) {
                             using T = TypeOf<decltype(tag)>;
                             channel_shuffle(at.in<T>(0), at.out<T>(0), size.images * size.positions,
                                             size.channels, groups, stream->get());
                           });
}

}  // namespace senet::cuda
