// Emulated cuDNN: an operation graph as plain data, free of descriptors, so that a plan can outlive them.
#pragma once

#include <cudnn.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace senet::sim {

struct CudnnTensor {
  int64_t id = 0;
  cudnnDataType_t type = CUDNN_DATA_FLOAT;
  int64_t alignment = 16;
  bool is_virtual = false;
  std::vector<int64_t> dims, strides;  // four of each, in the order N, C, H, W

  size_t bytes() const;
  int64_t elements() const { return dims[0] * dims[1] * dims[2] * dims[3]; }
  bool operator==(const CudnnTensor&) const = default;
};

enum class CudnnOperationKind { kForward, kGradInput, kGradWeight, kPointwise, kReduction };

// One operation. The tensors of a convolution are called as in y = conv(x, b); b is the weight there, the
// second operand of a pointwise operation, and absent (id 0) for others. `y` of a pointwise or a reduction is
// written.
struct CudnnOperation {
  CudnnOperationKind kind = CudnnOperationKind::kPointwise;
  cudnnPointwiseMode_t mode = CUDNN_POINTWISE_IDENTITY;
  CudnnTensor x, b, y;
  std::vector<int64_t> before{0, 0}, after{0, 0}, stride{1, 1}, dilation{1, 1};
  float alpha = 1.0f, beta = 0.0f;

  bool is_convolution() const { return kind <= CudnnOperationKind::kGradWeight; }
  bool has_b() const { return b.id != 0; }
  const CudnnTensor& output() const;
  std::vector<const CudnnTensor*> inputs() const;
};

struct CudnnGraph {
  std::vector<CudnnOperation> operations;

  // The tensors that are not virtual, each once.
  std::vector<CudnnTensor> operands() const;
  bool writes(int64_t id) const;
};

// Text of a graph and back; empty for what is no such text.
std::string to_text(const CudnnGraph& graph);
std::optional<CudnnGraph> graph_from_text(const std::string& text);

}  // namespace senet::sim
