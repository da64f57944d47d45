// Which values of a graph are feature maps whose form in memory is a backend's choice.
#pragma once

#include <vector>

#include "core/graph.h"

namespace senet {

// Per value: a map that a node computes. Convolution weights have rank 4 as well; their gradients and folded forms are
// no maps.
inline std::vector<bool> computed_maps(const Graph& graph) {
  std::vector<bool> maps;
  for (const Value& value : graph.values) {
    maps.push_back(value.is_map() && value.kind == ValueKind::kIntermediate);
  }
  for (const Node& node : graph.nodes) {
    const bool makes_weights =
        node.op == "conv2d_grad_weight" || node.op == "fold_batch_norm" || node.op == "reshape";
    if (makes_weights && node.has_output(0)) maps[node.output(0)] = false;
  }
  return maps;
}

}  // namespace senet
