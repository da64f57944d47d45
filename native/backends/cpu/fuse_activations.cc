#include "backends/cpu/fuse_activations.h"

#include <utility>
#include <vector>

#include "backends/activation_of.h"
#include "backends/cpu/convolution.h"
#include "backends/cpu/layout.h"
#include "backends/cpu/ops/conv2d_grouped.h"

namespace senet::cpu {

namespace {

constexpr const char* kActivation = "activation";

// How many nodes and outputs of the graph read each value.
std::vector<int> use_counts(const Graph& graph) {
  std::vector<int> uses(graph.values.size(), 0);
  const auto count = [&](int id) {
    if (id != kAbsent) ++uses[id];
  };
  for (const Node& node : graph.nodes) {
    for (int id : node.inputs) count(id);
  }
  for (int id : graph.outputs) count(id);
  return uses;
}

// A convolution of inference with nothing between it and its output but a bias.
bool is_bare(const Node& node) {
  return node.op == "conv2d_fused" && algorithm_of(node) == ConvolutionAlgorithm::kDirect &&
         !node.has_input(3) && !node.has_input(4) && !fused_activation(node);
}

bool can_take(const Graph& graph, const Node& convolution, Activation activation) {
  if (!onednn_has(activation) || is_grouped_products(graph, convolution)) return false;
  const ConvolutionProblem plain = convolution_problem(graph, convolution);
  ConvolutionProblem fused = plain;
  fused.activation = activation;
  return fuses(convolution.layer, plain, fused, layout_of(graph.values[convolution.input(0)]).block,
               layout_of(graph.values[convolution.output(0)]).block);
}

}  // namespace

std::optional<Activation> fused_activation(const Node& node) {
  if (node.op != "conv2d_fused") return std::nullopt;
  if (node.attributes.count(kActivation) > 0) return senet::activation_of<Activation>(node, kActivation);
  return node.flag("relu") ? std::optional(Activation::kRelu) : std::nullopt;
}

Graph fuse_activations(Graph graph) {
  const std::vector<int> uses = use_counts(graph);
  std::vector<Node> nodes;
  // Positions in `nodes` of the bare convolutions by their outputs.
  std::vector<int> bare(graph.values.size(), kAbsent);
  for (Node& node : graph.nodes) {
    const int x = node.input(0);
    if (node.op == "activation" && x != kAbsent && bare[x] != kAbsent && uses[x] == 1) {
      Node& convolution = nodes[bare[x]];
      if (can_take(graph, convolution, senet::activation_of<Activation>(node, "kind"))) {
        convolution.attributes[kActivation] = node.text("kind");
        convolution.outputs = std::move(node.outputs);
        continue;
      }
    }
    if (is_bare(node)) bare[node.output(0)] = static_cast<int>(nodes.size());
    nodes.push_back(std::move(node));
  }
  graph.nodes = std::move(nodes);
  return graph;
}

}  // namespace senet::cpu
