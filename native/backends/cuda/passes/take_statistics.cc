#include <algorithm>
#include <utility>

#include "backends/cuda/kernels/kernels.h"
#include "backends/cuda/ops/convolution.h"
#include "backends/cuda/passes/passes.h"
#include "backends/cuda/passes/uses.h"
#include "backends/norm_tail_operands.h"
#include "core/error.h"

namespace senet::cuda {

namespace {

// Where a norm among a node's operands has what: its map, its running mean, and the first of the two sums.
struct NormPlaces {
  size_t map, running_mean, sums;
};

std::vector<NormPlaces> norms_of(const Node& node) {
  const bool tail = node.op == "norm_tail";
  if ((!tail && node.op != "batch_norm") || !node.flag("training")) return {};
  if (!tail) return {{0, 3, 5}};  // as ops/batch_norm.cc has them
  using namespace norm_tail_operands;
  std::vector<NormPlaces> places = {{kX, kRunningMean, kDeviations}};
  if (node.has_input(kGamma2)) places.push_back({kIdentity, kRunningMean2, kDeviations2});
  return places;
}

// What a norm's pass over its map takes, on buffers of zeros.
class NormTimer {
 public:
  NormTimer(const Kit& kit, const MapSize& size, Storage storage) : kit_(kit), storage_(storage) {
    kind_.size = size;
    kind_.training = true;
    kind_.eps = 1;
    const auto channels = static_cast<size_t>(size.channels);
    map_ = allocate(static_cast<size_t>(size.elements()) * size_of(storage));
    vector_ = allocate(channels * sizeof(float));
    sums_ = allocate(static_cast<size_t>(size.images) * channels * sizeof(float));
    workspace_ = allocate(norm_tail_forward_workspace_bytes(kind_));
  }

  // The difference that sums taken elsewhere make.
  double statistics_ms() const { return time(false) - time(true); }

 private:
  std::unique_ptr<DeviceMemory> allocate(size_t bytes) const {
    return std::make_unique<DeviceMemory>(kit_.stream, bytes, "timing a norm");
  }

  static float* floats(const std::unique_ptr<DeviceMemory>& memory) {
    return reinterpret_cast<float*>(memory->data());
  }

  void run(bool with_sums) const {
    with_storage(storage_, [&](auto tag) {
      using T = TypeOf<decltype(tag)>;
      auto* map = reinterpret_cast<T*>(map_->data());
      TailForward<T> o;
      o.x = o.y = map;
      o.norm = {floats(vector_), floats(vector_), floats(vector_), floats(vector_)};
      if (with_sums) o.sums = {floats(sums_), floats(sums_)};
      norm_tail_forward(kind_, o, workspace_->data(), kit_.stream->get());
    });
  }

  double time(bool with_sums) const {
    return milliseconds_of(*kit_.stream, [&] { run(with_sums); });
  }

  const Kit& kit_;
  Storage storage_;
  TailKind kind_;
  std::unique_ptr<DeviceMemory> map_, vector_, sums_, workspace_;
};

bool pays(const Kit& kit, const std::string& layer, const ConvolutionProblem& plain) {
  ConvolutionProblem fused = plain;
  fused.fusion.statistics = true;
  if (!kit.dnn->supports(fused)) return false;
  try {
    const double more = kit.dnn->milliseconds(layer, fused) - kit.dnn->milliseconds(layer, plain);
    return more <= NormTimer(kit, output_size(plain), plain.storage).statistics_ms();
  } catch (const Error& error) {
    // Without room for timing there still is for the program.
    if (error.code() != ErrorCode::kOutOfMemory) throw;
    return false;
  }
}

// Adds the sums to the convolution, or does nothing.
bool extend(Graph* graph, const Kit& kit, Node* convolution, int running_mean) {
  constexpr size_t kShift = 5;
  if (convolution->op != "conv2d" || convolution->outputs.size() != 1 || convolution->has_input(2))
    return false;
  const PrepareContext context{*graph, *convolution, {}};
  const ConvolutionProblem problem = convolution_problem(kit, context, ConvolutionDirection::kForward,
                                                         context.in(0), context.out(0), context.in(1));
  if (!pays(kit, convolution->layer, problem)) return false;
  convolution->inputs.resize(kShift + 1, kAbsent);
  convolution->inputs[kShift] = running_mean;
  for (int i = 0; i < 2; ++i) {
    Value sums;
    sums.shape = {problem.images, problem.out_channels};
    sums.name = graph->values[convolution->output(0)].name;
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
      node.inputs[places.sums] = convolution.output(1);
      node.inputs[places.sums + 1] = convolution.output(2);
    }
  }
  return graph;
}

}  // namespace senet::cuda
