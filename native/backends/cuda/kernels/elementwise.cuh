// Functions of single elements: y[i] = f(in[i]...). A thread takes vectors of 16 bytes a grid's width apart,
// where all arrays are aligned; the rest, or all, it takes one by one. Computes in float. y may be one of the
// inputs: an element is read and written by one thread.
#pragma once

#include <algorithm>

#include "backends/cuda/device/vector.cuh"
#include "backends/cuda/kernels/kernels.h"
#include "backends/cuda/launch.cuh"

namespace senet::cuda {

inline constexpr int kElementwiseThreads = 256;

// Blocks for `work` items, each thread taking at least one; enough to fill any GPU.
inline dim3 elementwise_grid(int64_t work) {
  const int64_t blocks = (work + kElementwiseThreads - 1) / kElementwiseThreads;
  return dim3(static_cast<unsigned>(std::clamp<int64_t>(blocks, 1, 4096)));
}

template <int V, typename T, typename F>
__device__ inline void elementwise_at(T* y, int64_t i, const F& f, const T* a) {
  float values[V];
  load(a + i, values);
#pragma unroll
  for (int j = 0; j < V; ++j) values[j] = f(values[j]);
  store(y + i, values);
}

template <int V, typename T, typename F>
__device__ inline void elementwise_at(T* y, int64_t i, const F& f, const T* a, const T* b) {
  float values[V], others[V];
  load(a + i, values);
  load(b + i, others);
#pragma unroll
  for (int j = 0; j < V; ++j) values[j] = f(values[j], others[j]);
  store(y + i, values);
}

// y, in [count]; of the vectors one after another the first `vectors` are taken whole.
template <typename T, typename F, typename... In>
__global__ void __launch_bounds__(kElementwiseThreads)
    elementwise_kernel(int64_t vectors, int64_t count, F f, T* y, const In*... in) {
  constexpr int V = kVectorWidth<T>;
  const int64_t first = int64_t{blockIdx.x} * blockDim.x + threadIdx.x,
                step = int64_t{gridDim.x} * blockDim.x;
  for (int64_t i = first; i < vectors; i += step) elementwise_at<V>(y, i * V, f, in...);
  for (int64_t i = vectors * V + first; i < count; i += step) elementwise_at<1>(y, i, f, in...);
}

template <typename T, typename F, typename... In>
void elementwise(const char* name, int64_t count, const F& f, cudaStream_t stream, T* y, const In*... in) {
  const int64_t vectors = is_aligned(y, in...) ? count / kVectorWidth<T> : 0;
  launch(name, elementwise_kernel<T, F, In...>, elementwise_grid(vectors > 0 ? vectors : count),
         dim3(kElementwiseThreads), 0, stream, vectors, count, f, y, in...);
}

}  // namespace senet::cuda
