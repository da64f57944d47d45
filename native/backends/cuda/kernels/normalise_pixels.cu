// normalise_pixels: y = table[256 c + pixel] from u8 pixels [rows, C] (rows: images and positions), table [C, 256]
// float, y [rows, C] of storage T. A thread takes elements of y, neighbours side by side.
#include "backends/cuda/kernels/elementwise.cuh"

namespace senet::cuda {
namespace {

// pixels, y [count].
template <typename T>
__global__ void __launch_bounds__(kElementwiseThreads)
    normalise_pixels_kernel(const uint8_t* pixels, const float* table, T* y, int64_t count,
                            int64_t channels) {
  const int64_t step = int64_t{gridDim.x} * blockDim.x;
  for (int64_t i = int64_t{blockIdx.x} * blockDim.x + threadIdx.x; i < count; i += step) {
    from_float(table[256 * (i % channels) + pixels[i]], y[i]);
  }
}

}  // namespace

template <typename T>
void normalise_pixels(const uint8_t* pixels, const float* table, T* y, int64_t count, int64_t channels,
                      cudaStream_t stream) {
  launch("normalise_pixels_kernel", normalise_pixels_kernel<T>, elementwise_grid(count),
         dim3(kElementwiseThreads), 0, stream, pixels, table, y, count, channels);
}

#define SENET_INSTANTIATE(T) \
  template void normalise_pixels(const uint8_t*, const float*, T*, int64_t, int64_t, cudaStream_t);
SENET_INSTANTIATE(float)
SENET_INSTANTIATE(__half)
SENET_INSTANTIATE(__nv_bfloat16)
#undef SENET_INSTANTIATE

}  // namespace senet::cuda
