#include "backends/cuda_sim/cudnn/graph.h"

#include <sstream>

namespace senet::sim {

namespace {

// Writes or reads one value after the other, so that both directions are one list of fields.
struct Writer {
  std::ostringstream stream;
  template <typename T>
  void operator()(T& value) {
    if constexpr (std::is_enum_v<T>) {
      stream << static_cast<int>(value) << ' ';
    } else {
      stream << value << ' ';
    }
  }
  void operator()(std::vector<int64_t>& values) {
    for (int64_t& value : values) (*this)(value);
  }
};

struct Reader {
  std::istringstream stream;
  template <typename T>
  void operator()(T& value) {
    if constexpr (std::is_enum_v<T>) {
      int number = 0;
      stream >> number;
      value = static_cast<T>(number);
    } else {
      stream >> value;
    }
  }
  void operator()(std::vector<int64_t>& values) {
    for (int64_t& value : values) (*this)(value);
  }
};

template <typename Visitor>
void visit(Visitor& v, CudnnTensor& t) {
  t.dims.resize(4), t.strides.resize(4);
  v(t.id), v(t.type), v(t.alignment), v(t.is_virtual), v(t.dims), v(t.strides);
}

template <typename Visitor>
void visit(Visitor& v, CudnnOperation& o) {
  v(o.kind), v(o.mode), v(o.before), v(o.after), v(o.stride), v(o.dilation), v(o.alpha), v(o.beta);
  visit(v, o.x), visit(v, o.b), visit(v, o.y);
}

}  // namespace

size_t CudnnTensor::bytes() const {
  int64_t last = 0;
  for (size_t i = 0; i < dims.size(); ++i) last += (dims[i] - 1) * strides[i];
  return static_cast<size_t>(last + 1) * (type == CUDNN_DATA_FLOAT ? 4 : 2);
}

const CudnnTensor& CudnnOperation::output() const {
  if (kind == CudnnOperationKind::kGradInput) return x;
  return kind == CudnnOperationKind::kGradWeight ? b : y;
}

std::vector<const CudnnTensor*> CudnnOperation::inputs() const {
  std::vector<const CudnnTensor*> inputs;
  for (const CudnnTensor* tensor : {&x, &b, &y}) {
    if (tensor->id != 0 && tensor != &output()) inputs.push_back(tensor);
  }
  if (beta != 0.0f) inputs.push_back(&output());
  return inputs;
}

std::vector<CudnnTensor> CudnnGraph::operands() const {
  std::vector<CudnnTensor> found;
  for (const CudnnOperation& operation : operations) {
    for (const CudnnTensor* tensor : {&operation.x, &operation.b, &operation.y}) {
      bool known = tensor->id == 0 || tensor->is_virtual;
      for (const CudnnTensor& other : found) known = known || other.id == tensor->id;
      if (!known) found.push_back(*tensor);
    }
  }
  return found;
}

bool CudnnGraph::writes(int64_t id) const {
  for (const CudnnOperation& operation : operations) {
    if (operation.output().id == id) return true;
  }
  return false;
}

std::string to_text(const CudnnGraph& graph) {
  Writer writer;
  size_t count = graph.operations.size();
  writer(count);
  for (CudnnOperation operation : graph.operations) visit(writer, operation);
  return writer.stream.str();
}

std::optional<CudnnGraph> graph_from_text(const std::string& text) {
  Reader reader{std::istringstream(text)};
  size_t count = 0;
  reader(count);
  if (!reader.stream || count == 0 || count > 100) return std::nullopt;
  CudnnGraph graph;
  graph.operations.resize(count);
  for (CudnnOperation& operation : graph.operations) visit(reader, operation);
  if (!reader.stream) return std::nullopt;
  return graph;
}

}  // namespace senet::sim
