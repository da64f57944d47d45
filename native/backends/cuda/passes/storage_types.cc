#include "backends/cuda/passes/passes.h"

#include <utility>

#include "backends/maps.h"

namespace senet::cuda {

namespace {

DType dtype_of(Storage storage) {
  if (storage == Storage::kFloat16) return DType::kFloat16;
  return storage == Storage::kBFloat16 ? DType::kBFloat16 : DType::kFloat32;
}

}  // namespace

Graph with_storage_type(Graph graph, Storage storage) {
  if (storage == Storage::kFloat32) return graph;
  const DType dtype = dtype_of(storage);
  std::vector<bool> maps = computed_maps(graph);
  for (size_t i = 0; i < maps.size(); ++i) {
    maps[i] = maps[i] && graph.values[i].dtype == DType::kFloat32;
    if (maps[i]) graph.values[i].dtype = dtype;
  }
  std::vector<int> converted(graph.values.size(), kAbsent);
  std::vector<Node> nodes;
  const auto convert = [&](int from, DType to_dtype, const std::string& layer) {
    Value value = graph.values[from];
    value.kind = ValueKind::kIntermediate;
    value.dtype = to_dtype;
    const int to = static_cast<int>(graph.values.size());
    graph.values.push_back(value);
    nodes.push_back({"convert", layer, {from}, {to}, {}});
    return to;
  };
  for (Node& node : graph.nodes) {
    for (int& id : node.inputs) {
      if (id == kAbsent || node.op == "assert_finite") continue;
      const Value& value = graph.values[id];
      if (value.kind != ValueKind::kInput || !value.is_map() || value.dtype != DType::kFloat32) continue;
      if (converted[id] == kAbsent) converted[id] = convert(id, dtype, node.layer);
      id = converted[id];
    }
    nodes.push_back(std::move(node));
  }
  for (int& id : graph.outputs) {
    if (static_cast<size_t>(id) < maps.size() && maps[id]) id = convert(id, DType::kFloat32, "output");
  }
  graph.nodes = std::move(nodes);
  return graph;
}

}  // namespace senet::cuda
