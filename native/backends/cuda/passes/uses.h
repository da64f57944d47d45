// Who makes and who uses the values of a graph.
#pragma once

#include <vector>

#include "core/graph.h"

namespace senet::cuda {

struct Uses {
  std::vector<int> maker;  // per value: index of the node that computes it, kAbsent for none
  std::vector<int> count;  // per value: how often nodes read it or the graph gives it out

  explicit Uses(const Graph& graph) : maker(graph.values.size(), kAbsent), count(graph.values.size(), 0) {
    for (size_t i = 0; i < graph.nodes.size(); ++i) {
      for (int id : graph.nodes[i].inputs) {
        if (id != kAbsent) ++count[id];
      }
      for (int id : graph.nodes[i].outputs) {
        if (id != kAbsent) maker[id] = static_cast<int>(i);
      }
    }
    for (int id : graph.outputs) ++count[id];
  }
};

}  // namespace senet::cuda
