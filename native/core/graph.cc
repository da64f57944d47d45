#include "core/graph.h"

#include <cmath>
#include <cstring>
#include <limits>

#include "core/error.h"

namespace senet {

namespace {

template <typename T>
const T& attribute(const Node& node, const std::string& key, const char* kind) {
  const auto it = node.attributes.find(key);
  const T* value = it == node.attributes.end() ? nullptr : std::get_if<T>(&it->second);
  if (value == nullptr) {
    throw Error(ErrorCode::kArgument,
                node.layer + ": " + node.op + ": attribute '" + key + "': expected a " + kind);
  }
  return *value;
}

int64_t to_integer(const Node& node, const std::string& key, double value) {
  if (!(std::abs(value) <= 9007199254740992.0) || value != std::floor(value)) {
    throw Error(ErrorCode::kArgument, node.layer + ": " + node.op + ": attribute '" + key +
                                          "': expected an integer, received " + std::to_string(value));
  }
  return static_cast<int64_t>(value);
}

// Reads the message front to back; every read is checked against its end.
class Reader {
 public:
  Reader(const uint8_t* bytes, size_t size) : cursor_(bytes), end_(bytes + size) {}

  uint32_t word() { return read<uint32_t>(); }
  double number() { return read<double>(); }

  // A count of things that each take at least `least_bytes` of the message.
  size_t count(size_t least_bytes) {
    const size_t n = word();
    if (n > static_cast<size_t>(end_ - cursor_) / least_bytes) fail("a count exceeds the message");
    return n;
  }

  std::string text() {
    const size_t n = count(1);
    std::string result(reinterpret_cast<const char*>(cursor_), n);
    cursor_ += n;
    return result;
  }

  void expect_end() const {
    if (cursor_ != end_) fail("bytes after the end");
  }

  [[noreturn]] static void fail(const std::string& what) {
    throw Error(ErrorCode::kArgument, "graph message: " + what);
  }

 private:
  template <typename T>
  T read() {
    if (static_cast<size_t>(end_ - cursor_) < sizeof(T)) fail("it ends too early");
    T value;
    std::memcpy(&value, cursor_, sizeof(T));
    cursor_ += sizeof(T);
    return value;
  }

  const uint8_t* cursor_;
  const uint8_t* end_;
};

constexpr uint32_t kMagic = 0x31544553;  // "SET1"
constexpr size_t kMaxRank = 8;
// Larger tensors than this many elements are refused, so that no size computation overflows.
constexpr int64_t kMaxElements = int64_t{1} << 40;

const std::string& string_at(const std::vector<std::string>& strings, uint32_t index) {
  if (index >= strings.size()) Reader::fail("a string index is out of range");
  return strings[index];
}

Value read_value(Reader& reader, const std::vector<std::string>& strings) {
  Value value;
  const uint32_t dtype = reader.word();
  const uint32_t kind = reader.word();
  if (dtype > 2 || kind > 3) Reader::fail("unknown element type or value kind");
  value.dtype = static_cast<DType>(dtype);
  value.kind = static_cast<ValueKind>(kind);
  value.name = string_at(strings, reader.word());
  const size_t rank = reader.count(sizeof(double));
  if (rank > kMaxRank) Reader::fail("a rank above 8");
  int64_t elements = 1;
  for (size_t i = 0; i < rank; ++i) {
    const double d = reader.number();
    if (!(d >= 1 && d <= static_cast<double>(kMaxElements)) || d != std::floor(d)) {
      Reader::fail("value '" + value.name + "': a dimension is not a positive integer");
    }
    value.shape.push_back(static_cast<int64_t>(d));
    if (value.shape.back() > kMaxElements / elements) {
      Reader::fail("value '" + value.name + "' has too many elements");
    }
    elements *= value.shape.back();
  }
  return value;
}

Attribute read_attribute(Reader& reader, const std::vector<std::string>& strings) {
  switch (reader.word()) {
    case 0:
      return reader.number();
    case 1:
      return reader.word() != 0;
    case 2:
      return string_at(strings, reader.word());
    case 3: {
      std::vector<double> numbers(reader.count(sizeof(double)));
      for (double& x : numbers) x = reader.number();
      return numbers;
    }
    default:
      Reader::fail("unknown attribute type");
  }
}

std::vector<int> read_ids(Reader& reader, size_t values) {
  std::vector<int> ids(reader.count(sizeof(uint32_t)));
  for (int& id : ids) {
    id = static_cast<int32_t>(reader.word());
    if (id != kAbsent && (id < 0 || static_cast<size_t>(id) >= values)) {
      Reader::fail("a value id is out of range");
    }
  }
  return ids;
}

// Each intermediate is written by one node, before anything reads it.
void check_order(const Graph& graph) {
  std::vector<bool> ready(graph.values.size());
  for (size_t i = 0; i < ready.size(); ++i) ready[i] = graph.values[i].kind != ValueKind::kIntermediate;
  for (const Node& node : graph.nodes) {
    for (int id : node.inputs) {
      if (id != kAbsent && !ready[id])
        Reader::fail("'" + node.layer + "' reads a value before it is written");
    }
    for (int id : node.outputs) {
      if (id == kAbsent) continue;
      if (ready[id]) Reader::fail("'" + node.layer + "' writes a value that is already written");
      ready[id] = true;
    }
  }
  for (int id : graph.outputs) {
    if (id == kAbsent || !ready[id]) Reader::fail("an output is never written");
  }
}

}  // namespace

double Node::number(const std::string& key) const {
  return attribute<double>(*this, key, "number");
}

int64_t Node::integer(const std::string& key) const {
  return to_integer(*this, key, number(key));
}

bool Node::flag(const std::string& key) const {
  return attribute<bool>(*this, key, "boolean");
}

const std::string& Node::text(const std::string& key) const {
  return attribute<std::string>(*this, key, "string");
}

const std::vector<double>& Node::numbers(const std::string& key) const {
  return attribute<std::vector<double>>(*this, key, "list of numbers");
}

std::vector<int64_t> Node::integers(const std::string& key) const {
  std::vector<int64_t> result;
  for (double x : numbers(key)) result.push_back(to_integer(*this, key, x));
  return result;
}

Graph decode_graph(const uint8_t* bytes, size_t size) {
  Reader reader(bytes, size);
  if (reader.word() != kMagic) Reader::fail("not a graph message of this version");
  std::vector<std::string> strings(reader.count(sizeof(uint32_t)));
  for (std::string& s : strings) s = reader.text();

  Graph graph;
  graph.values.resize(reader.count(4 * sizeof(uint32_t)));
  for (Value& value : graph.values) value = read_value(reader, strings);
  graph.nodes.resize(reader.count(5 * sizeof(uint32_t)));
  for (Node& node : graph.nodes) {
    node.op = string_at(strings, reader.word());
    node.layer = string_at(strings, reader.word());
    node.inputs = read_ids(reader, graph.values.size());
    node.outputs = read_ids(reader, graph.values.size());
    const size_t attributes = reader.count(2 * sizeof(uint32_t));
    for (size_t i = 0; i < attributes; ++i) {
      const std::string key = string_at(strings, reader.word());
      node.attributes[key] = read_attribute(reader, strings);
    }
  }
  graph.outputs = read_ids(reader, graph.values.size());
  reader.expect_end();
  check_order(graph);
  return graph;
}

}  // namespace senet
