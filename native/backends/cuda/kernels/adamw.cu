// adamw, for each (parameter p, gradient g, running means m of g and v of its square) by PyTorch's rule, with t the
// updates done, this one included: g = factor * g; m = beta1 * m + (1 - beta1) * g; v = beta2 * v + (1 - beta2) * g * g;
// p = (1 - rate * lr * decay) * p - rate * lr / (1 - beta1^t) * m / (sqrt(v / (1 - beta2^t)) + epsilon). All float; lr,
// t and factor in device memory; a step whose checks failed changes nothing, t neither. One thread counts the update,
// then one launch over all tensors (multi_tensor.cuh), a thread per four elements, or one, at a time.
#include <cmath>

#include "backends/cuda/device/vector.cuh"
#include "backends/cuda/kernels/kernels.h"
#include "backends/cuda/kernels/multi_tensor.cuh"
#include "backends/cuda/launch.cuh"

namespace senet::cuda {
namespace {

struct Rule {
  float log_beta1, log_beta2;
  float beta1, beta2, fresh1, fresh2;  // fresh: 1 - beta
  float epsilon;
};

// updates [1], failed [1] or null; corrections [2] = 1 - beta1^t, sqrt(1 - beta2^t), by expm1 as most digits of a
// small one are lost in a difference.
__global__ void adamw_count_kernel(float* updates, Rule rule, const int32_t* failed, float* corrections) {
  if (failed != nullptr && *failed != 0) return;
  const float t = *updates + 1.0f;
  *updates = t;
  corrections[0] = -expm1f(t * rule.log_beta1);
  corrections[1] = sqrtf(-expm1f(t * rule.log_beta2));
}

// tensors [gridDim.y], lr [1], corrections [2]; factor, failed: [1] or null.
__global__ void __launch_bounds__(kTensorThreads)
    adamw_kernel(const AdamwTensor* tensors, Rule rule, const float* lr, const float* corrections,
                 const float* factor, const int32_t* failed) {
  if (failed != nullptr && *failed != 0) return;
  const AdamwTensor tensor = tensors[blockIdx.y];
  const float rate = *lr * tensor.rate, scale = factor == nullptr ? 1.0f : *factor;
  const float kept = fmaf(-rate, tensor.decay, 1.0f), size = rate / corrections[0];
  const float unbias = 1.0f / corrections[1];
  for_tensor_vectors(tensor.elements, tensor.aligned != 0, [&](int64_t i, auto width) {
    constexpr int V = decltype(width)::value;
    float p[V], g[V], m[V], v[V];
    load<V>(tensor.parameter + i, p);
    load<V>(tensor.gradient + i, g);
    load<V>(tensor.mean + i, m);
    load<V>(tensor.square + i, v);
#pragma unroll
    for (int k = 0; k < V; ++k) {
      g[k] *= scale;
      m[k] = fmaf(rule.beta1, m[k], rule.fresh1 * g[k]);
      v[k] = fmaf(rule.beta2, v[k], rule.fresh2 * g[k] * g[k]);
      p[k] = fmaf(kept, p[k], -size * (m[k] / fmaf(sqrtf(v[k]), unbias, rule.epsilon)));
    }
    store<V>(tensor.mean + i, m);
    store<V>(tensor.square + i, v);
    store<V>(tensor.parameter + i, p);
  });
}

}  // namespace

void adamw(const AdamwTensor* tensors, int count, int64_t largest, const AdamwRule& rule, const float* lr,
           float* updates, const float* factor, const int32_t* failed, void* workspace, cudaStream_t stream) {
  const Rule rounded = {static_cast<float>(std::log(rule.beta1)), static_cast<float>(std::log(rule.beta2)),
                        static_cast<float>(rule.beta1),           static_cast<float>(rule.beta2),
                        static_cast<float>(1 - rule.beta1),       static_cast<float>(1 - rule.beta2),
                        static_cast<float>(rule.epsilon)};
  auto* corrections = static_cast<float*>(workspace);
  launch("adamw_count_kernel", adamw_count_kernel, dim3(1), dim3(1), 0, stream, updates, rounded, failed,
         corrections);
  launch("adamw_kernel", adamw_kernel, tensor_grid(count, largest), dim3(kTensorThreads), 0, stream, tensors,
         rounded, lr, corrections, factor, failed);
}

}  // namespace senet::cuda
