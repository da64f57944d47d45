// The graph as it arrives from TypeScript: typed values and the nodes that compute them, in execution order.
// Mirrors lib/ir/graph.ts; the meaning of each op is defined in lib/ops.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <variant>
#include <vector>

namespace senet {

// The first three come from TypeScript; 16-bit floats are a backend's choice (Backend::lower).
enum class DType : uint8_t { kFloat32 = 0, kInt32 = 1, kUint8 = 2, kFloat16 = 3, kBFloat16 = 4 };
enum class ValueKind : uint8_t { kInput = 0, kParameter = 1, kState = 2, kIntermediate = 3 };

inline size_t size_of(DType dtype) {
  if (dtype == DType::kUint8) return 1;
  return dtype == DType::kFloat16 || dtype == DType::kBFloat16 ? 2 : 4;
}

// Stands for an optional input or output that is not there.
inline constexpr int kAbsent = -1;

struct Value {
  std::vector<int64_t> shape;  // maps [N,H,W,C], vectors [N,C], conv weights [K,C/groups,kh,kw], scalars []
  DType dtype = DType::kFloat32;
  ValueKind kind = ValueKind::kIntermediate;
  std::string name;
  // Channels that lie side by side in storage, for maps: a map is stored as (N, C/block, H, W, block). 0
  // stands for block = C, that is channels-last, and for everything that is not a map. Set by a backend's
  // lower().
  int64_t block = 0;

  int64_t elements() const {
    int64_t product = 1;
    for (int64_t d : shape) product *= d;
    return product;
  }
  size_t bytes() const { return static_cast<size_t>(elements()) * size_of(dtype); }
  bool is_map() const { return shape.size() == 4; }
};

using Attribute = std::variant<double, bool, std::string, std::vector<double>>;

struct Node {
  std::string op;
  std::string layer;  // for messages and profiles
  std::vector<int> inputs;
  std::vector<int> outputs;
  std::map<std::string, Attribute> attributes;

  // Value id of a positional input or output, kAbsent when it is not given.
  int input(size_t i) const { return i < inputs.size() ? inputs[i] : kAbsent; }
  int output(size_t i) const { return i < outputs.size() ? outputs[i] : kAbsent; }
  bool has_input(size_t i) const { return input(i) != kAbsent; }
  bool has_output(size_t i) const { return output(i) != kAbsent; }

  // Attributes; a missing one or one of another type is an Error (kArgument) naming layer and key.
  double number(const std::string& key) const;
  int64_t integer(const std::string& key) const;
  bool flag(const std::string& key) const;
  const std::string& text(const std::string& key) const;
  std::vector<int64_t> integers(const std::string& key) const;
  const std::vector<double>& numbers(const std::string& key) const;
};

struct Graph {
  std::vector<Value> values;
  std::vector<Node> nodes;
  std::vector<int> outputs;
};

// Reads the flat message written by lib/ir/message.ts. Every count, index and length is checked against the
// message; a bad one is an Error (kArgument).
Graph decode_graph(const uint8_t* bytes, size_t size);

}  // namespace senet
