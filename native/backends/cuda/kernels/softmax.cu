// softmax: y [N,K] = exp(x - max) / sum over each row of x [N,K], float. A block per row.
#include "backends/cuda/kernels/kernels.h"
#include "backends/cuda/kernels/softmax.cuh"
#include "backends/cuda/launch.cuh"

namespace senet::cuda {
namespace {

__global__ void __launch_bounds__(kRowThreads) softmax_kernel(const float* x, float* y, int64_t classes) {
  SENET_SHARED(float, shared, kWarp);
  x += blockIdx.x * classes;
  y += blockIdx.x * classes;
  const float greatest = row_max(x, classes, shared);
  const float inverse = 1.0f / row_exp(x, classes, greatest, y, shared);
  for (int64_t k = threadIdx.x; k < classes; k += kRowThreads) y[k] *= inverse;
}

}  // namespace

void softmax(const float* x, float* y, int64_t rows, int64_t classes, cudaStream_t stream) {
  launch("softmax_kernel", softmax_kernel, dim3(static_cast<unsigned>(rows)), dim3(kRowThreads), 0, stream, x,
         y, classes);
}

}  // namespace senet::cuda
