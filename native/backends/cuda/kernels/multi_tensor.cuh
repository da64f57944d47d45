// One launch over many tensors of different lengths: blockIdx.y is the tensor, and the blocks along x share
// its elements. Blocks beyond a short tensor have nothing to do.
#pragma once

#include <algorithm>

#include <cuda_runtime.h>

#include <cstdint>
#include <type_traits>

namespace senet::cuda {

inline constexpr int kTensorThreads = 256;

// largest: most elements of one tensor.
inline dim3 tensor_grid(int count, int64_t largest) {
  const int64_t blocks = (largest + 4 * kTensorThreads - 1) / (4 * kTensorThreads);
  return dim3(static_cast<unsigned>(std::clamp<int64_t>(blocks, 1, 256)), static_cast<unsigned>(count));
}

// Calls body(i) for the elements of this thread.
template <typename Body>
__device__ inline void for_tensor_elements(int64_t elements, const Body& body) {
  const int64_t step = int64_t{gridDim.x} * kTensorThreads;
  for (int64_t i = int64_t{blockIdx.x} * kTensorThreads + threadIdx.x; i < elements; i += step) body(i);
}

// The same by vectors of four floats where the arrays are aligned, one by one in the rest: calls body(i, width), where
// width::value elements start at i.
template <typename Body>
__device__ inline void for_tensor_vectors(int64_t elements, bool aligned, const Body& body) {
  const int64_t vectors = aligned ? elements / 4 : 0;
  const int64_t first = int64_t{blockIdx.x} * kTensorThreads + threadIdx.x;
  const int64_t step = int64_t{gridDim.x} * kTensorThreads;
  for (int64_t i = first; i < vectors; i += step) body(4 * i, std::integral_constant<int, 4>());
  for (int64_t i = 4 * vectors + first; i < elements; i += step) body(i, std::integral_constant<int, 1>());
}

}  // namespace senet::cuda
