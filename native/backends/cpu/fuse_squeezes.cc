#include "backends/cpu/fuse_squeezes.h"

#include <utility>
#include <vector>

#include "backends/cpu/convolution.h"

namespace senet::cpu {

Graph fuse_squeezes(Graph graph) {
  std::vector<Node> nodes;
  // Positions in `nodes` of the convolutions that can take means along, by their outputs.
  std::vector<int> makers(graph.values.size(), kAbsent);
  for (Node& node : graph.nodes) {
    if (node.op == "global_avg_pool" && node.has_input(0) && makers[node.input(0)] != kAbsent) {
      Node& convolution = nodes[makers[node.input(0)]];
      if (!convolution.has_output(1)) {
        convolution.outputs = {convolution.output(0), node.output(0)};
        continue;
      }
    }
    if (node.op == "conv2d_fused" && algorithm_of(node) != ConvolutionAlgorithm::kDirect) {
      makers[node.output(0)] = static_cast<int>(nodes.size());
    }
    nodes.push_back(std::move(node));
  }
  graph.nodes = std::move(nodes);
  return graph;
}

}  // namespace senet::cpu
