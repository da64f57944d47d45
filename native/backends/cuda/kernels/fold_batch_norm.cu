// fold_batch_norm, per output channel k with factor = gamma / sqrt(variance + eps): weight'_k = weight_k *
// factor; bias'_k = beta + (bias - mean) * factor. weight [K, per_output], all else [K]; float, the factor in
// double, as it is computed once. A block per output channel.
#include "backends/cuda/kernels/kernels.h"
#include "backends/cuda/launch.cuh"

namespace senet::cuda {
namespace {

constexpr int kFoldThreads = 256;

// weight, folded_weight [K, per_output], bias [K] or null, norm and folded_bias [K].
__global__ void __launch_bounds__(kFoldThreads)
    fold_batch_norm_kernel(const float* weight, const float* bias, NormParameters norm, double eps,
                           float* folded_weight, float* folded_bias, int64_t per_output) {
  const int64_t k = blockIdx.x;
  const double factor = norm.gamma[k] / sqrt(norm.variance[k] + eps);
  for (int64_t i = k * per_output + threadIdx.x; i < (k + 1) * per_output; i += kFoldThreads) {
    folded_weight[i] = static_cast<float>(weight[i] * factor);
  }
  if (threadIdx.x != 0) return;
  const double shifted = (bias == nullptr ? 0.0 : double{bias[k]}) - norm.mean[k];
  folded_bias[k] = static_cast<float>(norm.beta[k] + shifted * factor);
}

}  // namespace

void fold_batch_norm(const float* weight, const float* bias, const NormParameters& norm, double eps,
                     float* folded_weight, float* folded_bias, int64_t outputs, int64_t per_output,
                     cudaStream_t stream) {
  launch("fold_batch_norm_kernel", fold_batch_norm_kernel, dim3(static_cast<unsigned>(outputs)),
         dim3(kFoldThreads), 0, stream, weight, bias, norm, eps, folded_weight, folded_bias, per_output);
}

}  // namespace senet::cuda
