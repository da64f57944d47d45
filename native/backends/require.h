// What every backend's prepare() makes sure of before it lets sizes index memory.
#pragma once

#include <string>

#include "core/error.h"
#include "core/graph.h"

namespace senet {

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

}  // namespace senet
