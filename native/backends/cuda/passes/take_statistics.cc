#include <algorithm>
#include <utility>

#include "backends/cuda/kernels/kernels.h"
#include "backends/cuda/passes/passes.h"
#include "backends/cuda/passes/pays.h"
#include "backends/cuda/passes/uses.h"
#include "backends/norm_activation_operands.h"
#include "backends/norm_tail_operands.h"

namespace senet::cuda {

namespace {

// Where a norm among a node's operands has what: its map, its running mean, and the first of the two sums.
struct NormPlaces {
  size_t map, running_mean, sums;
};

std::vector<NormPlaces> norms_of(const Node& node) {
  if (node.op != "norm_tail") {
    namespace activation = norm_activation_operands;
    const bool alone = node.op == "batch_norm", activated = node.op == "norm_activation";
    if ((!alone && !activated) || !node.flag("training")) return {};
    if (alone) return {{0, 3, 5}};  // as ops/batch_norm.cc has them
    return {{activation::kX, activation::kRunningMean, activation::kDeviations}};
  }
  using namespace norm_tail_operands;
  // The squeeze follows from the same sums, in inference too.
  const bool training = node.flag("training");
  if (!training && !node.has_input(kW1)) return {};
  std::vector<NormPlaces> places = {{kX, kRunningMean, kDeviations}};
  if (training && node.has_input(kGamma2)) places.push_back({kIdentity, kRunningMean2, kDeviations2});
  return places;
}

// What a norm's pass over its map takes, on buffers of zeros.
class NormTimer {
 public:
  NormTimer(const Kit& kit, const MapSize& size, Storage storage)
      : kit_(kit),
        storage_(storage),
        kind_{.size = size, .training = true, .eps = 1},
        map_(timing_buffer(kit, static_cast<size_t>(size.elements()) * size_of(storage))),
        vector_(timing_buffer(kit, static_cast<size_t>(size.channels) * sizeof(float))),
        sums_(timing_buffer(kit, static_cast<size_t>(size.images * size.channels) * sizeof(float))),
        workspace_(timing_buffer(kit, norm_tail_forward_workspace_bytes(kind_))) {}

  // The difference that sums taken elsewhere make.
  double statistics_ms() const { return time(false) - time(true); }

 private:
  static float* floats(const DeviceMemory& memory) { return reinterpret_cast<float*>(memory.data()); }

  void run(bool with_sums) const {
    with_storage(storage_, [&](auto tag) {
      using T = TypeOf<decltype(tag)>;
      auto* map = reinterpret_cast<T*>(map_.data());
      TailForward<T> o;
      o.x = o.y = map;
      o.norm = {floats(vector_), floats(vector_), floats(vector_), floats(vector_)};
      if (with_sums) o.sums = {floats(sums_), floats(sums_)};
      norm_tail_forward(kind_, o, workspace_.data(), kit_.stream->get());
    });
  }

  double time(bool with_sums) const {
    return milliseconds_of(*kit_.stream, [&] { run(with_sums); });
  }

  const Kit& kit_;
  Storage storage_;
  TailKind kind_;
  DeviceMemory map_, vector_, sums_, workspace_;
};

// Adds the sums to the convolution, or does nothing.
bool extend(Graph* graph, const Kit& kit, Node* convolution, int running_mean) {
  using namespace conv2d_operands;
  if (convolution->op != "conv2d" || convolution->outputs.size() != 1 || convolution->has_input(kBias))
    return false;
  const PrepareContext context{*graph, *convolution, {}};
  const ConvolutionProblem plain = forward_problem(kit, context);
  ConvolutionProblem fused = plain;
  fused.fusion.statistics = true;
  const auto saved_ms = [&] { return NormTimer(kit, output_size(plain), plain.storage).statistics_ms(); };
  if (!pays(kit, convolution->layer, plain, fused, saved_ms)) return false;
  convolution->inputs.resize(kShift + 1, kAbsent);
  convolution->inputs[kShift] = running_mean;
  for (int i = 0; i < 2; ++i) {
    Value sums;
    sums.shape = {plain.images, plain.out_channels};
    sums.name = graph->values[convolution->output(kY)].name;
    convolution->outputs.push_back(static_cast<int>(graph->values.size()));
    graph->values.push_back(std::move(sums));
  }
  return true;
}

}  // namespace

Graph take_statistics(Graph graph, const Kit& kit) {
  const Uses uses(graph);
  for (Node& node : graph.nodes) {
    for (const NormPlaces& places : norms_of(node)) {
      const int maker = uses.maker[node.input(places.map)];
      if (maker == kAbsent) continue;
      Node& convolution = graph.nodes[maker];
      if (!extend(&graph, kit, &convolution, node.input(places.running_mean))) continue;
      node.inputs.resize(std::max(node.inputs.size(), places.sums + 2), kAbsent);
      node.inputs[places.sums] = convolution.output(conv2d_operands::kDeviations);
      node.inputs[places.sums + 1] = convolution.output(conv2d_operands::kSquares);
    }
  }
  return graph;
}

}  // namespace senet::cuda
