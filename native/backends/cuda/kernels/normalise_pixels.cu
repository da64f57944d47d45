// normalise_pixels: y = (pixel * scale - mean[c]) / std[c] from u8 pixels [rows, C] (rows: images and
// positions), of storage T with C padded by zeros to what convolutions like. convert_pixels: the same from
// float x, as it is. A thread takes elements of y, neighbours side by side.
#include "backends/cuda/kernels/elementwise.cuh"

namespace senet::cuda {
namespace {

struct PixelNorm {
  const float* mean;  // [C]
  const float* std;   // [C]
  float scale;
  int32_t unused;

  __device__ float operator()(uint8_t pixel, int64_t c) const {
    return (static_cast<float>(pixel) * scale - mean[c]) / std[c];
  }
};

struct Unchanged {
  __device__ float operator()(float x, int64_t) const { return x; }
};

// x [rows, C], y [rows, padded C]; count = rows * padded C.
template <typename From, typename T, typename Function>
__global__ void __launch_bounds__(kElementwiseThreads)
    pixels_kernel(const From* x, T* y, int64_t count, int64_t channels, int64_t padded, Function function) {
  const int64_t step = int64_t{gridDim.x} * blockDim.x;
  for (int64_t i = int64_t{blockIdx.x} * blockDim.x + threadIdx.x; i < count; i += step) {
    const int64_t c = i % padded;
    from_float(c < channels ? function(x[i / padded * channels + c], c) : 0.0f, y[i]);
  }
}

}  // namespace

template <typename T>
void normalise_pixels(const uint8_t* pixels, float scale, const float* mean, const float* std, T* y,
                      int64_t rows, int64_t channels, int64_t padded_channels, cudaStream_t stream) {
  const int64_t count = rows * padded_channels;
  launch("normalise_pixels_kernel", pixels_kernel<uint8_t, T, PixelNorm>, elementwise_grid(count),
         dim3(kElementwiseThreads), 0, stream, pixels, y, count, channels, padded_channels,
         PixelNorm{mean, std, scale, 0});
}

template <typename T>
void convert_pixels(const float* x, T* y, int64_t rows, int64_t channels, int64_t padded_channels,
                    cudaStream_t stream) {
  const int64_t count = rows * padded_channels;
  launch("convert_pixels_kernel", pixels_kernel<float, T, Unchanged>, elementwise_grid(count),
         dim3(kElementwiseThreads), 0, stream, x, y, count, channels, padded_channels, Unchanged());
}

#define SENET_INSTANTIATE(T)                                                                              \
  template void normalise_pixels(const uint8_t*, float, const float*, const float*, T*, int64_t, int64_t, \
                                 int64_t, cudaStream_t);                                                  \
  template void convert_pixels(const float*, T*, int64_t, int64_t, int64_t, cudaStream_t);
SENET_INSTANTIATE(float)
SENET_INSTANTIATE(__half)
SENET_INSTANTIATE(__nv_bfloat16)
#undef SENET_INSTANTIATE

}  // namespace senet::cuda
