// scale: y = factor * x, arrays of one length and storage T; see elementwise.cuh.
#include "backends/cuda/kernels/elementwise.cuh"

namespace senet::cuda {
namespace {

struct Scaled {
  float factor;
  __device__ float operator()(float x) const { return factor * x; }
};

}  // namespace

template <typename T>
void scale(const T* x, float factor, T* y, int64_t count, cudaStream_t stream) {
  elementwise("scale_kernel", count, Scaled{factor}, stream, y, x);
}

template void scale(const float*, float, float*, int64_t, cudaStream_t);
template void scale(const __half*, float, __half*, int64_t, cudaStream_t);
template void scale(const __nv_bfloat16*, float, __nv_bfloat16*, int64_t, cudaStream_t);

}  // namespace senet::cuda
