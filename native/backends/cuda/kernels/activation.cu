// activation: y = act(x), and dx from dy and what was saved, y or for some kinds x (needs_argument). Arrays of
// storage T; see elementwise.cuh.
#include "backends/cuda/device/activation.cuh"
#include "backends/cuda/kernels/elementwise.cuh"

namespace senet::cuda {
namespace {

struct Forward {
  Activation kind;
  __device__ float operator()(float x) const { return activate(kind, x); }
};

struct Backward {
  Activation kind;
  __device__ float operator()(float dy, float saved) const { return times_slope(kind, dy, saved); }
};

}  // namespace

template <typename T>
void activation_forward(Activation kind, const T* x, T* y, int64_t count, cudaStream_t stream) {
  elementwise("activation_forward_kernel", count, Forward{kind}, stream, y, x);
}

template <typename T>
void activation_backward(Activation kind, const T* dy, const T* saved, T* dx, int64_t count,
                         cudaStream_t stream) {
  elementwise("activation_backward_kernel", count, Backward{kind}, stream, dx, dy, saved);
}

#define SENET_INSTANTIATE(T)                                                         \
  template void activation_forward(Activation, const T*, T*, int64_t, cudaStream_t); \
  template void activation_backward(Activation, const T*, const T*, T*, int64_t, cudaStream_t);
SENET_INSTANTIATE(float)
SENET_INSTANTIATE(__half)
SENET_INSTANTIATE(__nv_bfloat16)
#undef SENET_INSTANTIATE

}  // namespace senet::cuda
