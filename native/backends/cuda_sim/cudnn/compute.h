// Emulated cuDNN: the arithmetic of an operation graph, by plain loops on host code.
#pragma once

#include <cstdint>
#include <map>

#include "backends/cuda_sim/cudnn/engines.h"
#include "backends/cuda_sim/cudnn/graph.h"

namespace senet::sim {

// Computes the graph as the engine does. `addresses` holds the operands' device addresses by id. `run` counts
// the executions of the process: engines that are not deterministic make use of it.
void compute_graph(const CudnnGraph& graph, const CudnnEngine& engine,
                   const std::map<int64_t, void*>& addresses, uint64_t run);

// A tensor's values, channels last whatever its strides. Tensors of 16 bits hold rounded values.
struct CudnnValues {
  std::vector<int64_t> dims;
  std::vector<float> values;

  explicit CudnnValues(const std::vector<int64_t>& dims)
      : dims(dims), values(static_cast<size_t>(dims[0] * dims[1] * dims[2] * dims[3])) {}
  size_t index(int64_t n, int64_t c, int64_t h, int64_t w) const {
    return static_cast<size_t>(((n * dims[2] + h) * dims[3] + w) * dims[1] + c);
  }
  // The index where dimensions of 1 spread.
  size_t spread_index(int64_t n, int64_t c, int64_t h, int64_t w) const {
    return index(dims[0] == 1 ? 0 : n, dims[1] == 1 ? 0 : c, dims[2] == 1 ? 0 : h, dims[3] == 1 ? 0 : w);
  }
};

// result = alpha * convolution + beta * result, in the direction of the operation. `x`, `weight` and `y` are
// its tensors, the result among them.
void compute_convolution(const CudnnOperation& operation, const CudnnEngine& engine, uint64_t run,
                         CudnnValues* x, CudnnValues* weight, CudnnValues* y);

// The float nearest to a value among those of a type, and a value as TF32 has it.
float rounded(float value, cudnnDataType_t type);
float rounded_to_tf32(float value);

}  // namespace senet::sim
