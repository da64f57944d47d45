#include "backends/cpu/cpu_backend.h"

#include <omp.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "backends/cpu/convolution.h"
#include "backends/cpu/fuse_activations.h"
#include "backends/cpu/fuse_squeezes.h"
#include "backends/cpu/host_memory.h"
#include "backends/cpu/layout.h"
#include "backends/cpu/ops/conv2d_gated.h"
#include "backends/cpu/ops/conv2d_group_gradient.h"
#include "backends/cpu/ops/conv2d_strips.h"
#include "backends/cpu/ops/conv2d_winograd.h"
#include "backends/cpu/sequential_runner.h"
#include "backends/cpu/table.h"
#include "backends/maps.h"
#include "core/error.h"

namespace senet::cpu {

namespace {

bool is_convolution(const Node& node) {
  return node.op.rfind("conv2d", 0) == 0;
}

// Per value: a map of floats that is channels-last, whatever the layout of the others: one from outside, or what its
// bytes stand for.
std::vector<bool> plain_maps(const Graph& graph) {
  std::vector<bool> plain;
  for (const Value& value : graph.values) {
    plain.push_back(value.is_map() && value.kind == ValueKind::kInput && value.dtype == DType::kFloat32);
  }
  for (const Node& node : graph.nodes) {
    if (node.op == "normalise_pixels" && node.has_output(0)) plain[node.output(0)] = true;
  }
  return plain;
}

// Whether an input is a plain map that the node cannot take as it is. A convolution takes x and y in any
// form.
bool needs_conversion(const std::vector<bool>& plain, const Node& node, int id) {
  if (id == kAbsent || !plain[id] || node.op == "assert_finite") return false;
  if (!is_convolution(node)) return true;
  const ConvolutionValues ids = convolution_values(node);
  return id != ids.x && id != ids.y;
}

bool has_gradient(const Graph& graph) {
  return std::any_of(graph.nodes.begin(), graph.nodes.end(),
                     [](const Node& node) { return node.op.rfind("conv2d_grad", 0) == 0; });
}

class CpuBackend final : public Backend {
 public:
  CpuBackend(int threads, std::string layout, std::string convolutions)
      : threads_(threads > 0 ? threads : omp_get_num_procs()),
        layout_(std::move(layout)),
        convolutions_(std::move(convolutions)) {}

  std::unique_ptr<Memory> allocate(size_t bytes, const std::string& purpose) const override {
    return std::make_unique<HostMemory>(bytes, purpose);
  }
  std::unique_ptr<Staging> make_staging(size_t bytes) const override {
    return std::make_unique<HostStaging>(bytes);
  }
  void copy_in(std::byte* to, const std::byte* from, size_t bytes) const override {
    if (bytes > 0) std::memcpy(to, from, bytes);
  }
  void copy_out(std::byte* to, const std::byte* from, size_t bytes) const override {
    if (bytes > 0) std::memcpy(to, from, bytes);
  }
  std::unique_ptr<Runner> make_runner() const override { return std::make_unique<SequentialRunner>(); }

  Graph lower(Graph graph) const override {
    const std::vector<bool> plain = plain_maps(graph);
    std::vector<bool> maps = computed_maps(graph);
    for (size_t i = 0; i < maps.size(); ++i) maps[i] = maps[i] && !plain[i];
    const int64_t block = wanted_block(graph);
    if (block != 0 && can_be_blocked(graph, plain, maps, block)) {
      for (size_t i = 0; i < graph.values.size(); ++i) {
        if (maps[i]) graph.values[i].block = block;
      }
      graph = with_conversions(std::move(graph), plain, maps, block);
    }
    choose_algorithms(&graph);
    return fuse_squeezes(fuse_activations(std::move(graph)));
  }

  StepPlan prepare(const PrepareContext& context) const override {
    const auto found = op_table().find(context.node.op);
    if (found == op_table().end()) {
      throw Error(ErrorCode::kUnsupported,
                  context.node.layer + ": the cpu device has no op '" + context.node.op + "'");
    }
    return found->second(context);
  }

  std::vector<std::string> supported_ops() const override {
    std::vector<std::string> names;
    for (const auto& [name, prepare] : op_table()) names.push_back(name);
    std::sort(names.begin(), names.end());
    return names;
  }

  void enter_thread() const override { omp_set_num_threads(threads_); }

  std::string description() const override {
    return onednn_description() + ", " + std::to_string(threads_) + (threads_ == 1 ? " thread" : " threads");
  }

 private:
  // Channels per block, 0 for channels-last. oneDNN 2.6's convolutions like blocks best: they take 5 to 15 %
  // less time in training, and with AVX2 in inference too; with AVX-512 inference is 8 % faster
  // channels-last.
  int64_t wanted_block(const Graph& graph) const {
    if (layout_ == "channels_last" || std::none_of(graph.nodes.begin(), graph.nodes.end(), is_convolution)) {
      return 0;
    }
    if (layout_ == "blocked8") return 8;
    if (layout_ == "blocked16") return 16;
    const int64_t block = onednn_block();
    return block == 16 && !has_gradient(graph) ? 0 : block;
  }

  bool can_be_blocked(const Graph& graph, const std::vector<bool>& plain, const std::vector<bool>& maps,
                      int64_t block) const {
    for (size_t i = 0; i < graph.values.size(); ++i) {
      if (maps[i] && graph.values[i].shape[3] % block != 0) return false;
    }
    for (const Node& node : graph.nodes) {
      for (int id : node.inputs) {
        // Converting a plain map needs whole blocks.
        if (needs_conversion(plain, node, id) && graph.values[id].shape[3] % block != 0) return false;
      }
      if (is_convolution(node) && slow_when_blocked(graph, node, maps, block)) return false;
    }
    return true;
  }

  // Whether oneDNN has only reference code for a convolution between blocks, but something better
  // channels-last, and is what computes it.
  bool slow_when_blocked(const Graph& graph, const Node& node, const std::vector<bool>& maps,
                         int64_t block) const {
    const ConvolutionProblem problem = convolution_problem(graph, node);
    const ConvolutionValues ids = convolution_values(node);
    const auto block_of = [&](int id) { return maps[id] ? block : graph.values[id].shape[3]; };
    return !takes_strips(node, problem, block_of(ids.x), block_of(ids.y)) &&
           only_reference(node.layer, problem, block_of(ids.x), block_of(ids.y)) &&
           !only_reference(node.layer, problem, problem.in_channels, problem.out_channels);
  }

  // Inserts a conversion wherever a plain map meets a node that works on blocks, or a blocked map leaves the
  // graph.
  static Graph with_conversions(Graph graph, const std::vector<bool>& plain, const std::vector<bool>& maps,
                                int64_t block) {
    std::vector<int> blocked(graph.values.size(), kAbsent);
    std::vector<Node> nodes;
    const auto convert = [&](int from, int64_t to_block, const std::string& layer) {
      Value value = graph.values[from];
      value.kind = ValueKind::kIntermediate;
      value.block = to_block;
      const int to = static_cast<int>(graph.values.size());
      graph.values.push_back(value);
      nodes.push_back({"convert", layer, {from}, {to}, {}});
      return to;
    };
    for (Node& node : graph.nodes) {
      for (int& id : node.inputs) {
        if (!needs_conversion(plain, node, id)) continue;
        if (blocked[id] == kAbsent) blocked[id] = convert(id, block, node.layer);
        id = blocked[id];
      }
      nodes.push_back(std::move(node));
    }
    for (int& id : graph.outputs) {
      if (static_cast<size_t>(id) < maps.size() && maps[id]) id = convert(id, 0, "output");
    }
    graph.nodes = std::move(nodes);
    return graph;
  }

  // Of convolutions that oneDNN is not the fastest for.
  void choose_algorithms(Graph* graph) const {
    for (Node& node : graph->nodes) {
      if (!is_convolution(node)) continue;
      const auto tiles = winograd_problem(*graph, node);
      const ConvolutionValues ids = convolution_values(node);
      if (tiles && (convolutions_ == "winograd" || (convolutions_ == "auto" && tiles->pays()))) {
        set_algorithm(&node, ConvolutionAlgorithm::kWinograd);
      } else if (takes_strips(node, convolution_problem(*graph, node), layout_of(graph->values[ids.x]).block,
                              layout_of(graph->values[ids.y]).block)) {
        set_algorithm(&node, ConvolutionAlgorithm::kStrips);
      } else if (const auto groups = group_gradient_problem(*graph, node);
                 groups && (convolutions_ == "strips" || (convolutions_ == "auto" && groups->pays()))) {
        set_algorithm(&node, ConvolutionAlgorithm::kGroups);
      }
    }
  }

  bool takes_strips(const Node& node, const ConvolutionProblem& problem, int64_t x_block,
                    int64_t y_block) const {
    const auto strips = strip_problem(problem, x_block, y_block);
    const bool gated = node.op == "conv2d_fused" && node.has_input(3) && !is_small_for_outputs(problem);
    return strips && (convolutions_ == "strips" || (convolutions_ == "auto" && strips->pays(gated)));
  }

  int threads_;
  std::string layout_, convolutions_;
};

}  // namespace

std::unique_ptr<Backend> make_cpu_backend(int threads, const std::string& layout,
                                          const std::string& convolutions) {
  return std::make_unique<CpuBackend>(threads, layout, convolutions);
}

}  // namespace senet::cpu
