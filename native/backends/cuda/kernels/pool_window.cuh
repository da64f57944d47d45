// Where pooling windows lie, shared by max_pool, avg_pool and their gradients. A kernel sweeps the map it
// writes (channel_apply.cuh): forward a thread reads the cells of a window, backward it gathers from the
// windows over a cell, so that no two threads add to one element.
#pragma once

#include "backends/cuda/kernels/channel_apply.cuh"

namespace senet::cuda {

// Positions [begin, end); empty when end <= begin.
struct PoolRange {
  int32_t begin, end;
  __device__ int32_t size() const { return end > begin ? end - begin : 0; }
};

// First cell of the window of output o; negative in the padding.
__device__ inline int32_t window_start(const PoolAxis& axis, int32_t o) {
  return o * axis.stride - axis.before;
}

// The cells of the window that lie in the input.
__device__ inline PoolRange window_cells(const PoolAxis& axis, int32_t o) {
  const int32_t start = window_start(axis, o);
  return {max(0, start), min(axis.input, start + axis.kernel)};
}

// How many cells of the window lie in the input or its padding.
__device__ inline int32_t padded_cells(const PoolAxis& axis, int32_t o) {
  const int32_t start = window_start(axis, o);
  return min(start + axis.kernel, axis.input + axis.after) - start;
}

// The outputs whose windows hold input i.
__device__ inline PoolRange windows_over(const PoolAxis& axis, int32_t i) {
  const int32_t first = i + axis.before - axis.kernel + 1;
  return {first <= 0 ? 0 : (first + axis.stride - 1) / axis.stride,
          min(axis.output, (i + axis.before) / axis.stride + 1)};
}

inline MapSize pool_input(const PoolSize& size) {
  return {size.images, int64_t{size.rows.input} * size.columns.input, size.channels};
}

inline MapSize pool_output(const PoolSize& size) {
  return {size.images, int64_t{size.rows.output} * size.columns.output, size.channels};
}

}  // namespace senet::cuda
