// sgd, for each (parameter p, gradient g, velocity v) by PyTorch's rule: g = g * unscale + decay * p; v = momentum * v + g; p -= lr * (nesterov ? g + momentum * v : v); without momentum p -= lr * g. All
// float; lr and unscale, the inverse of the loss scale, in device memory; a step whose checks failed changes
// nothing. One launch over all tensors (multi_tensor.cuh), a thread per element at a time.
#include "backends/cuda/kernels/kernels.h"
#include "backends/cuda/kernels/multi_tensor.cuh"
#include "backends/cuda/launch.cuh"

namespace senet::cuda {
namespace {

// tensors [gridDim.y], lr [1], unscale [1] or null, failed [1] or null.
__global__ void __launch_bounds__(kTensorThreads)
    sgd_kernel(const SgdTensor* tensors, float momentum, int nesterov, const float* lr, const float* unscale,
               const int32_t* failed) {
  if (failed != nullptr && *failed != 0) return;
  const SgdTensor tensor = tensors[blockIdx.y];
  const float rate = *lr, factor = unscale == nullptr ? 1.0f : *unscale;
  for_tensor_elements(tensor.elements, [&](int64_t i) {
    const float p = tensor.parameter[i];
    float g = fmaf(tensor.decay, p, tensor.gradient[i] * factor);
    if (momentum != 0.0f) {
      const float v = fmaf(momentum, tensor.velocity[i], g);
      tensor.velocity[i] = v;
      g = nesterov != 0 ? fmaf(momentum, v, g) : v;
    }
    tensor.parameter[i] = fmaf(-rate, g, p);
  });
}

}  // namespace

void sgd(const SgdTensor* tensors, int count, int64_t largest, double momentum, bool nesterov,
         const float* lr, const float* unscale, const int32_t* failed, cudaStream_t stream) {
  launch("sgd_kernel", sgd_kernel, tensor_grid(count, largest), dim3(kTensorThreads), 0, stream, tensors,
         static_cast<float>(momentum), nesterov ? 1 : 0, lr, unscale, failed);
}

}  // namespace senet::cuda
