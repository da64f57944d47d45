// sgd, for each (parameter p, gradient g, velocity v) by PyTorch's rule: g = g * factor + decay * p;
// v = momentum * v + g; p -= rate * lr * (nesterov ? g + momentum * v : v); without momentum p -= rate * lr * g. All
// float; lr, momentum and factor in device memory; a step whose checks failed changes nothing. One launch over all tensors (multi_tensor.cuh), a thread per element at a time.
#include "backends/cuda/kernels/kernels.h"
#include "backends/cuda/kernels/multi_tensor.cuh"
#include "backends/cuda/launch.cuh"

namespace senet::cuda {
namespace {

// tensors [gridDim.y], lr [1]; momentum, factor, failed: [1] or null.
__global__ void __launch_bounds__(kTensorThreads)
    sgd_kernel(const SgdTensor* tensors, int nesterov, const float* lr, const float* momentum,
               const float* factor, const int32_t* failed) {
  if (failed != nullptr && *failed != 0) return;
  const SgdTensor tensor = tensors[blockIdx.y];
  const float rate = *lr * tensor.rate, scale = factor == nullptr ? 1.0f : *factor;
  const float kept = momentum == nullptr ? 0.0f : *momentum;
  for_tensor_elements(tensor.elements, [&](int64_t i) {
    const float p = tensor.parameter[i];
    float g = fmaf(tensor.decay, p, tensor.gradient[i] * scale);
    if (momentum != nullptr) {
      const float v = fmaf(kept, tensor.velocity[i], g);
      tensor.velocity[i] = v;
      g = nesterov != 0 ? fmaf(kept, v, g) : v;
    }
    tensor.parameter[i] = fmaf(-rate, g, p);
  });
}

}  // namespace

void sgd(const SgdTensor* tensors, int count, int64_t largest, bool nesterov, const float* lr,
         const float* momentum, const float* factor, const int32_t* failed, cudaStream_t stream) {
  launch("sgd_kernel", sgd_kernel, tensor_grid(count, largest), dim3(kTensorThreads), 0, stream, tensors,
         nesterov ? 1 : 0, lr, momentum, factor, failed);
}

}  // namespace senet::cuda
