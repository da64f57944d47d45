// What prepare() makes sure of before it lets sizes index memory.
#pragma once

#include <string>
#include <vector>

#include "backends/backend.h"
#include "backends/cpu/layout.h"
#include "backends/require.h"

namespace senet::cpu {

// The layout of a map or vector of floats (or of `dtype`).
inline MapLayout checked_layout(const Node& node, const Value& value, DType dtype = DType::kFloat32) {
  require_dtype(node, value, dtype);
  require(value.shape.size() == 2 || value.shape.size() == 4, node,
          "a map or a vector for '" + value.name + "'");
  for (int64_t size : value.shape) require(size >= 1, node, "sizes above zero for '" + value.name + "'");
  const MapLayout layout = layout_of(value);
  require(layout.block >= 1 && layout.channels % layout.block == 0, node,
          "a block that divides the channels");
  return layout;
}

// A vector [N,C] of floats, one float per image and channel of the map.
inline void require_per_channel(const Node& node, const Value& value, const MapLayout& map) {
  require_dtype(node, value, DType::kFloat32);
  require(value.shape == std::vector<int64_t>{map.images, map.channels}, node,
          "one float per image and channel in '" + value.name + "'");
}

// Input i is given and a single float; `what` says which.
inline void require_scalar(const PrepareContext& context, size_t i, const std::string& what) {
  require(context.node.has_input(i), context.node, what);
  require_dtype(context.node, context.in(i), DType::kFloat32);
  require(context.in(i).elements() == 1, context.node, what + " of one element");
}

// Equal shape and storage order, so that element i of one is element i of the other.
inline bool same_storage(const Value& a, const Value& b) {
  if (a.shape != b.shape) return false;
  return !a.is_map() || layout_of(a).block == layout_of(b).block;
}

// Floats of equal shape and storage order.
inline void require_same_storage(const Node& node, const Value& a, const Value& b) {
  require_dtype(node, a, DType::kFloat32);
  require_dtype(node, b, DType::kFloat32);
  require(same_storage(a, b), node, "'" + a.name + "' and '" + b.name + "' of equal shape and layout");
}

}  // namespace senet::cpu
