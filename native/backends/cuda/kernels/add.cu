// add: y = a + b, arrays of one length and storage T; see elementwise.cuh.
#include "backends/cuda/kernels/elementwise.cuh"

namespace senet::cuda {
namespace {

struct Sum {
  __device__ float operator()(float a, float b) const { return a + b; }
};

}  // namespace

template <typename T>
void add(const T* a, const T* b, T* y, int64_t count, cudaStream_t stream) {
  elementwise("add_kernel", count, Sum(), stream, y, a, b);
}

template void add(const float*, const float*, float*, int64_t, cudaStream_t);
template void add(const __half*, const __half*, __half*, int64_t, cudaStream_t);
template void add(const __nv_bfloat16*, const __nv_bfloat16*, __nv_bfloat16*, int64_t, cudaStream_t);

}  // namespace senet::cuda
