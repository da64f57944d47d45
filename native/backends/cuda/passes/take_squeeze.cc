#include <utility>

#include "backends/cuda/passes/passes.h"
#include "backends/cuda/passes/pays.h"
#include "backends/cuda/passes/uses.h"

namespace senet::cuda {

namespace {

using namespace conv2d_operands;

// What the means of a map take longer from the map than from its sums, on buffers of zeros.
double saved_ms(const Kit& kit, const MapSize& size, Storage storage) {
  const size_t means = static_cast<size_t>(size.images * size.channels) * sizeof(float);
  const DeviceMemory map = timing_buffer(kit, static_cast<size_t>(size.elements()) * size_of(storage)),
                     from = timing_buffer(kit, means), to = timing_buffer(kit, means),
                     workspace = timing_buffer(kit, global_avg_pool_forward_workspace_bytes(size));
  auto* sums = reinterpret_cast<float*>(from.data());
  auto* y = reinterpret_cast<float*>(to.data());
  const cudaStream_t stream = kit.stream->get();
  return with_storage(storage, [&](auto tag) {
    const auto* x = reinterpret_cast<TypeOf<decltype(tag)>*>(map.data());
    const double whole =
        milliseconds_of(*kit.stream, [&] { global_avg_pool_forward(x, y, size, workspace.data(), stream); });
    return whole -
           milliseconds_of(*kit.stream, [&] { mean_of_sums(sums, y, size, workspace.data(), stream); });
  });
}

// The sums that a convolution takes along, added to it where that pays; kAbsent elsewhere.
int sums_of(Graph* graph, const Kit& kit, Node* convolution) {
  if (convolution->has_output(kSums)) return convolution->output(kSums);
  // No plan was seen that takes these and statistics.
  if (convolution->has_output(kDeviations)) return kAbsent;
  const PrepareContext context{*graph, *convolution, {}};
  const ConvolutionProblem plain = forward_problem(kit, context);
  ConvolutionProblem fused = plain;
  fused.fusion.sums = true;
  const auto saved = [&] { return saved_ms(kit, output_size(plain), plain.storage); };
  if (!pays(kit, convolution->layer, plain, fused, saved)) return kAbsent;
  Value sums;
  sums.shape = {plain.images, plain.out_channels};
  sums.name = graph->values[convolution->output(kY)].name;
  convolution->outputs.resize(kSums + 1, kAbsent);
  convolution->outputs[kSums] = static_cast<int>(graph->values.size());
  graph->values.push_back(std::move(sums));
  return convolution->output(kSums);
}

}  // namespace

Graph take_squeeze(Graph graph, const Kit& kit) {
  const Uses uses(graph);
  for (Node& node : graph.nodes) {
    if (node.op != "global_avg_pool") continue;
    const Value& map = graph.values[node.input(0)];
    const int maker = uses.maker[node.input(0)];
    if (maker == kAbsent || !map.is_map()) continue;
    Node& convolution = graph.nodes[maker];
    if (convolution.op != "conv2d" && convolution.op != "conv2d_fused") continue;
    const auto positions = static_cast<double>(map.shape[1] * map.shape[2]);
    const int sums = sums_of(&graph, kit, &convolution);
    if (sums == kAbsent) continue;
    node.inputs = {sums};
    node.attributes["positions"] = positions;
  }
  return graph;
}

}  // namespace senet::cuda
