// concat: the maps or vectors x... side by side along the channels.
#include <vector>

#include "backends/cuda/ops/step.h"

namespace senet::cuda {

StepPlan prepare_concat(const Kit& kit, const PrepareContext& context) {
  const Node& node = context.node;
  require_operands(node, node.inputs.size(), 1);
  const MapSize y = checked_size(node, context.out(0));
  std::vector<int64_t> channels;
  int64_t sum = 0;
  for (size_t i = 0; i < node.inputs.size(); ++i) {
    const MapSize x = checked_size(node, context.in(i));
    require(context.in(i).dtype == context.out(0).dtype, node, "inputs of one type");
    require(x.images == y.images && x.positions == y.positions, node, "as many positions as the output has");
    channels.push_back(x.channels);
    sum += x.channels;
  }
  require(sum == y.channels, node, "as many output channels as input channels");
  return typed_launch_plan(
      "concat", storage_of(context.out(0)),
      [stream = kit.stream, channels, rows = y.images * y.positions](const Operands& at, auto tag) {
        using T = TypeOf<decltype(tag)>;
        std::vector<const T*> inputs;
        for (size_t i = 0; i < channels.size(); ++i) inputs.push_back(at.in<T>(i));
        concat(inputs.data(), channels.data(), static_cast<int>(inputs.size()), at.out<T>(0), rows,
               stream->get());
      });
}

}  // namespace senet::cuda
