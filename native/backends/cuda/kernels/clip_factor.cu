// clip_factor, by PyTorch's rule (clip_grad_norm_): norm = scale * sqrt(sum of squares of all elements of all tensors),
// factor = scale * min(1, limit / (norm + 1e-6)). All float. Each block of a launch over all tensors
// (multi_tensor.cuh) sums the squares of its elements, each thread those of four, or one, at a time; one block adds the
// blocks' sums. Squares are of scaled elements, so that a large scale does not overflow them. In a fixed order.
#include "backends/cuda/device/vector.cuh"
#include "backends/cuda/device/warp.cuh"
#include "backends/cuda/kernels/kernels.h"
#include "backends/cuda/kernels/multi_tensor.cuh"
#include "backends/cuda/launch.cuh"

namespace senet::cuda {
namespace {

// tensors [gridDim.y], scale [1] or null, sums [gridDim.y, gridDim.x].
__global__ void __launch_bounds__(kTensorThreads)
    clip_factor_sums_kernel(const NormTensor* tensors, const float* scale, float* sums) {
  SENET_SHARED(float, shared, kWarp);
  const NormTensor tensor = tensors[blockIdx.y];
  const float factor = scale == nullptr ? 1.0f : *scale;
  float sum = 0.0f;
  for_tensor_vectors(tensor.elements, tensor.aligned != 0, [&](int64_t i, auto width) {
    constexpr int V = decltype(width)::value;
    float x[V];
    load<V>(tensor.values + i, x);
#pragma unroll
    for (int k = 0; k < V; ++k) {
      const float scaled = x[k] * factor;
      sum = fmaf(scaled, scaled, sum);
    }
  });
  sum = block_combine(sum, shared, Sum());
  if (threadIdx.x == 0) sums[int64_t{blockIdx.y} * gridDim.x + blockIdx.x] = sum;
}

// sums [count]; scale [1] or null; factor, norm [1].
__global__ void __launch_bounds__(kTensorThreads)
    clip_factor_kernel(const float* sums, int64_t count, float limit, const float* scale, float* factor,
                       float* norm) {
  SENET_SHARED(float, shared, kWarp);
  float sum = 0.0f;
  for (int64_t i = threadIdx.x; i < count; i += kTensorThreads) sum += sums[i];
  sum = block_combine(sum, shared, Sum());
  if (threadIdx.x != 0) return;
  const float length = sqrtf(sum);
  *norm = length;
  *factor = (scale == nullptr ? 1.0f : *scale) * fminf(1.0f, limit / (length + 1e-6f));
}

int64_t blocks_of(int count, int64_t largest) {
  const dim3 grid = tensor_grid(count, largest);
  return int64_t{grid.x} * grid.y;
}

}  // namespace

size_t clip_factor_workspace_bytes(int count, int64_t largest) {
  return static_cast<size_t>(blocks_of(count, largest)) * sizeof(float);
}

void clip_factor(const NormTensor* tensors, int count, int64_t largest, double limit, const float* scale,
                 float* factor, float* norm, void* workspace, cudaStream_t stream) {
  auto* sums = static_cast<float*>(workspace);
  launch("clip_factor_sums_kernel", clip_factor_sums_kernel, tensor_grid(count, largest),
         dim3(kTensorThreads), 0, stream, tensors, scale, sums);
  launch("clip_factor_kernel", clip_factor_kernel, dim3(1), dim3(kTensorThreads), 0, stream, sums,
         blocks_of(count, largest), static_cast<float>(limit), scale, factor, norm);
}

}  // namespace senet::cuda
