// channel_shuffle: y[i * groups + j] = x[j * (C / groups) + i], channels seen as a matrix and transposed, in
// each row of x [rows, C] of storage T. A thread takes elements of y, neighbours side by side; x comes from
// cache lines that the block shares.
#include "backends/cuda/kernels/elementwise.cuh"

namespace senet::cuda {
namespace {

// x, y [rows, C]; count = rows * C.
template <typename T>
__global__ void __launch_bounds__(kElementwiseThreads)
    channel_shuffle_kernel(const T* x, T* y, int64_t count, int64_t channels, int64_t groups) {
  const int64_t step = int64_t{gridDim.x} * blockDim.x, per_group = channels / groups;
  for (int64_t e = int64_t{blockIdx.x} * blockDim.x + threadIdx.x; e < count; e += step) {
    const int64_t c = e % channels;
    y[e] = x[e - c + c % groups * per_group + c / groups];
  }
}

}  // namespace

template <typename T>
void channel_shuffle(const T* x, T* y, int64_t rows, int64_t channels, int64_t groups, cudaStream_t stream) {
  launch("channel_shuffle_kernel", channel_shuffle_kernel<T>, elementwise_grid(rows * channels),
         dim3(kElementwiseThreads), 0, stream, x, y, rows * channels, channels, groups);
}

template void channel_shuffle(const float*, float*, int64_t, int64_t, int64_t, cudaStream_t);
template void channel_shuffle(const __half*, __half*, int64_t, int64_t, int64_t, cudaStream_t);
template void channel_shuffle(const __nv_bfloat16*, __nv_bfloat16*, int64_t, int64_t, int64_t, cudaStream_t);

}  // namespace senet::cuda
