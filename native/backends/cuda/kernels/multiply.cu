// multiply: y = a * b of one shape, or y = x * s with s [N,C] a factor per image and channel;
// multiply_reduce: y [N,C] = sum over positions of a * b, the gradient of such a factor. Maps [N,P,C] of
// storage T, s and y float.
#include "backends/cuda/kernels/channel_apply.cuh"
#include "backends/cuda/kernels/elementwise.cuh"
#include "backends/cuda/kernels/position_sum.cuh"

namespace senet::cuda {
namespace {

struct Product {
  __device__ float operator()(float a, float b) const { return a * b; }
};

struct Factors {
  const float* s;  // [N,C]
};

template <typename T, int V>
class Scale {
 public:
  __device__ Scale(const Factors& factors, int64_t, int64_t at) { load_floats(factors.s + at, s_); }

  __device__ void operator()(int64_t, int64_t, float (&values)[V]) const {
#pragma unroll
    for (int i = 0; i < V; ++i) values[i] *= s_[i];
  }

 private:
  float s_[V];
};

}  // namespace

template <typename T>
void multiply(const T* a, const T* b, T* y, int64_t count, cudaStream_t stream) {
  elementwise("multiply_kernel", count, Product(), stream, y, a, b);
}

template <typename T>
void multiply_channels(const T* x, const float* s, T* y, const MapSize& size, cudaStream_t stream) {
  channel_apply<Scale>("multiply_channels_kernel", size, is_aligned(s), x, y, Factors{s}, stream);
}

size_t multiply_reduce_workspace_bytes(const MapSize& size) {
  return position_sum_workspace_bytes(size);
}

template <typename T>
void multiply_reduce(const T* a, const T* b, float* y, const MapSize& size, void* workspace,
                     cudaStream_t stream) {
  position_sum<T>("multiply_reduce_kernel", size, ProductSource<T>{a, b},
                  is_vectorised<T>(size.channels, a, b), 1.0f, y, workspace, stream);
}

#define SENET_INSTANTIATE(T)                                                                 \
  template void multiply(const T*, const T*, T*, int64_t, cudaStream_t);                     \
  template void multiply_channels(const T*, const float*, T*, const MapSize&, cudaStream_t); \
  template void multiply_reduce(const T*, const T*, float*, const MapSize&, void*, cudaStream_t);
SENET_INSTANTIATE(float)
SENET_INSTANTIATE(__half)
SENET_INSTANTIATE(__nv_bfloat16)
#undef SENET_INSTANTIATE

}  // namespace senet::cuda
