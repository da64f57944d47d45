// bias: y = relu?( x + bias ), bias [C]; its gradient dbias [C] = sum over images and positions of dy. x, y,
// dy [N,P,C] of storage T (a vector [N,C] is a map of one position), bias and dbias float. conv2d_epilogue:
// what follows a convolution, y = relu?( gate * (x + bias) + residual ), gate [N,C] float.
#include "backends/cuda/device/activation.cuh"
#include "backends/cuda/kernels/channel_apply.cuh"
#include "backends/cuda/kernels/position_sum.cuh"

namespace senet::cuda {
namespace {

template <typename T>
struct EpilogueOperands {
  const float* bias;  // [C] or null
  const float* gate;  // [N,C] or null
  const T* residual;  // [N,P,C] or null
  int64_t relu;
};

template <typename T, int V>
class Epilogue {
 public:
  __device__ Epilogue(const EpilogueOperands<T>& o, int64_t channel, int64_t at)
      : residual_(o.residual), relu_(o.relu != 0) {
#pragma unroll
    for (int i = 0; i < V; ++i) {
      shift_[i] = 0.0f;
      scale_[i] = 1.0f;
    }
    if (o.bias != nullptr) load_floats(o.bias + channel, shift_);
    if (o.gate != nullptr) load_floats(o.gate + at, scale_);
  }

  __device__ void operator()(int64_t e, int64_t, float (&values)[V]) const {
    float residual[V] = {};
    if (residual_ != nullptr) load(residual_ + e, residual);
#pragma unroll
    for (int i = 0; i < V; ++i) {
      values[i] = fmaf(scale_[i], values[i] + shift_[i], residual[i]);
      if (relu_) values[i] = rectify(values[i]);
    }
  }

 private:
  float shift_[V], scale_[V];
  const T* residual_;
  bool relu_;
};

}  // namespace

template <typename T>
void conv2d_epilogue(const T* x, const float* bias, const float* gate, const T* residual, bool relu, T* y,
                     const MapSize& size, cudaStream_t stream) {
  channel_apply<Epilogue>("conv2d_epilogue_kernel", size, is_aligned(bias, gate, residual), x, y,
                          EpilogueOperands<T>{bias, gate, residual, relu ? 1 : 0}, stream);
}

template <typename T>
void bias_forward(const T* x, const float* bias, bool relu, T* y, const MapSize& size, cudaStream_t stream) {
  const MapSize whole = {1, size.images * size.positions, size.channels};
  conv2d_epilogue<T>(x, bias, nullptr, nullptr, relu, y, whole, stream);
}

size_t bias_backward_workspace_bytes(const MapSize& size) {
  return position_sum_workspace_bytes({1, size.images * size.positions, size.channels});
}

template <typename T>
void bias_backward(const T* dy, float* dbias, const MapSize& size, void* workspace, cudaStream_t stream) {
  const MapSize whole = {1, size.images * size.positions, size.channels};
  position_sum<T>("bias_backward_kernel", whole, MapSource<T>{dy}, is_vectorised<T>(size.channels, dy), 1.0f,
                  dbias, workspace, stream);
}

#define SENET_INSTANTIATE(T)                                                                              \
  template void conv2d_epilogue(const T*, const float*, const float*, const T*, bool, T*, const MapSize&, \
                                cudaStream_t);                                                            \
  template void bias_forward(const T*, const float*, bool, T*, const MapSize&, cudaStream_t);             \
  template void bias_backward(const T*, float*, const MapSize&, void*, cudaStream_t);
SENET_INSTANTIATE(float)
SENET_INSTANTIATE(__half)
SENET_INSTANTIATE(__nv_bfloat16)
#undef SENET_INSTANTIATE

}  // namespace senet::cuda
