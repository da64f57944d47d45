// fill: y = value everywhere. y [count] of storage T; see elementwise.cuh.
#include "backends/cuda/kernels/elementwise.cuh"

namespace senet::cuda {
namespace {

template <typename T>
__global__ void __launch_bounds__(kElementwiseThreads)
    fill_kernel(int64_t vectors, int64_t count, float value, T* y) {
  constexpr int V = kVectorWidth<T>;
  const int64_t first = int64_t{blockIdx.x} * blockDim.x + threadIdx.x,
                step = int64_t{gridDim.x} * blockDim.x;
  float values[V];
#pragma unroll
  for (int j = 0; j < V; ++j) values[j] = value;
  for (int64_t i = first; i < vectors; i += step) store(y + i * V, values);
  for (int64_t i = vectors * V + first; i < count; i += step) from_float(value, y[i]);
}

}  // namespace

template <typename T>
void fill(T* y, float value, int64_t count, cudaStream_t stream) {
  const int64_t vectors = is_aligned(y) ? count / kVectorWidth<T> : 0;
  launch("fill_kernel", fill_kernel<T>, elementwise_grid(vectors > 0 ? vectors : count),
         dim3(kElementwiseThreads), 0, stream, vectors, count, value, y);
}

template void fill(float*, float, int64_t, cudaStream_t);
template void fill(__half*, float, int64_t, cudaStream_t);
template void fill(__nv_bfloat16*, float, int64_t, cudaStream_t);

}  // namespace senet::cuda
