// What prepare() makes sure of before it lets sizes index memory.
#pragma once

#include <string>
#include <vector>

#include "backends/backend.h"
#include "backends/cpu/layout.h"
#include "core/error.h"

namespace senet::cpu {

// Throws unless ok; `expected` says what must hold.
inline void require(bool ok, const Node& node, const std::string& expected) {
  if (!ok) throw Error(ErrorCode::kArgument, node.layer + ": " + node.op + ": expected " + expected);
}

// The first `inputs` inputs and `outputs` outputs are given.
inline void require_operands(const Node& node, size_t inputs, size_t outputs) {
  for (size_t i = 0; i < inputs; ++i) {
    require(node.has_input(i), node, "an input at position " + std::to_string(i));
  }
  for (size_t i = 0; i < outputs; ++i) {
    require(node.has_output(i), node, "an output at position " + std::to_string(i));
  }
}

inline void require_dtype(const Node& node, const Value& value, DType dtype) {
  require(value.dtype == dtype, node, "another element type for '" + value.name + "'");
}

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
