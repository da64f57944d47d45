// sgd, for each (parameter p, gradient g, velocity v) by PyTorch's rule: g = g * inverse loss scale + decay *
// p; v = momentum * v + g; p -= lr * (nesterov ? g + momentum * v : v); without momentum p -= lr * g. All
// float; lr and the loss scale in device memory; a step whose gradients overflowed, or whose checks failed,
// changes nothing. One launch over all tensors (multi_tensor.cuh), a thread per element at a time.
#include "backends/cuda/kernels/kernels.h"
#include "backends/cuda/kernels/multi_tensor.cuh"
#include "backends/cuda/launch.cuh"

namespace senet::cuda {
namespace {

// tensors [gridDim.y], lr [1], loss_scale [1] or null, failed [1] or null.
__global__ void __launch_bounds__(kTensorThreads)
    sgd_kernel(const SgdTensor* tensors, float momentum, int nesterov, const float* lr,
               const LossScale* loss_scale, const int32_t* failed) {
  if (loss_scale != nullptr && loss_scale->overflow != 0) return;
  if (failed != nullptr && *failed != 0) return;
  const SgdTensor tensor = tensors[blockIdx.y];
  const float rate = *lr, unscale = loss_scale == nullptr ? 1.0f : loss_scale->inverse;
  for_tensor_elements(tensor.elements, [&](int64_t i) {
    const float p = tensor.parameter[i];
    float g = fmaf(tensor.decay, p, tensor.gradient[i] * unscale);
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
         const float* lr, const LossScale* loss_scale, const int32_t* failed, cudaStream_t stream) {
  launch("sgd_kernel", sgd_kernel, tensor_grid(count, largest), dim3(kTensorThreads), 0, stream, tensors,
         static_cast<float>(momentum), nesterov ? 1 : 0, lr, loss_scale, failed);
}

}  // namespace senet::cuda
