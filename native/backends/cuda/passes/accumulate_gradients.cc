#include <utility>

#include "backends/cuda/ops/convolution.h"
#include "backends/cuda/passes/passes.h"
#include "backends/cuda/passes/uses.h"

namespace senet::cuda {

namespace {

class Accumulation {
 public:
  Accumulation(Graph* graph, const Kit& kit) : graph_(*graph), kit_(kit), uses_(graph_) {}

  // Lets the convolution that makes one of a node's first two inputs add the other. Gives the sum's value, kAbsent if
  // neither can.
  int merge(const Node& adder) {
    int a = adder.input(0), b = adder.input(1);
    // The later of the two finds the other one there.
    if (uses_.maker[a] < uses_.maker[b]) std::swap(a, b);
    const int maker = uses_.maker[a];
    if (a == b || maker == kAbsent || uses_.count[a] != 1 || uses_.count[b] != 1) return kAbsent;
    Node& node = graph_.nodes[maker];
    if (node.op != "conv2d_grad_input" || node.has_input(2) || !supported(node)) return kAbsent;
    node.inputs.push_back(b);
    if (adder.op == "add") uses_.count[a] = uses_.count[adder.output(0)];
    return a;
  }

 private:
  bool supported(const Node& node) const {
    const PrepareContext context{graph_, node, {}};
    ConvolutionProblem problem = convolution_problem(kit_, context, ConvolutionDirection::kGradInput,
                                                     context.out(0), context.in(0), context.in(1));
    problem.fusion.accumulate = true;
    return kit_.dnn->supports(problem);
  }

  Graph& graph_;
  const Kit& kit_;
  Uses uses_;
};

}  // namespace

Graph accumulate_gradients(Graph graph, const Kit& kit) {
  Accumulation accumulation(&graph, kit);
  std::vector<int> renamed(graph.values.size());
  for (size_t i = 0; i < renamed.size(); ++i) renamed[i] = static_cast<int>(i);
  const auto is_replaced = [&](Node& node) {
    for (int& id : node.inputs) id = id == kAbsent ? kAbsent : renamed[id];
    const bool adds = node.op == "norm_tail_grad" || node.op == "norm_activation_grad";
    const bool has_extra = adds && node.has_input(1);
    if (!has_extra && node.op != "add") return false;
    const int sum = accumulation.merge(node);
    if (sum == kAbsent) return false;
    if (has_extra) {
      node.inputs[0] = sum;
      node.inputs[1] = kAbsent;
      return false;
    }
    renamed[node.output(0)] = sum;
    return true;
  };
  // In order, as a node may use the sum of an earlier one; nodes keep their places until all are seen.
  std::vector<bool> replaced;
  for (Node& node : graph.nodes) replaced.push_back(is_replaced(node));
  std::vector<Node> kept;
  for (size_t i = 0; i < replaced.size(); ++i) {
    if (!replaced[i]) kept.push_back(std::move(graph.nodes[i]));
  }
  graph.nodes = std::move(kept);
  for (int& id : graph.outputs) id = renamed[id];
  return graph;
}

}  // namespace senet::cuda
