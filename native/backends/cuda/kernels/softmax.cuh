// The exponentials of one row of logits, shared by softmax and softmax_cross_entropy. A block per row.
#pragma once

#include <cmath>

#include "backends/cuda/device/warp.cuh"

namespace senet::cuda {

inline constexpr int kRowThreads = 256;

// The greatest of x [classes]; NaNs are left out. Each thread gets it. shared: [kWarp].
__device__ inline float row_max(const float* x, int64_t classes, float* shared) {
  float greatest = -INFINITY;
  for (int64_t k = threadIdx.x; k < classes; k += kRowThreads) greatest = fmaxf(greatest, x[k]);
  return block_combine(greatest, shared, Max());
}

// p [classes] = exp(x - greatest), and their sum; p may be x. Each thread gets it, and reads later only what
// it wrote.
__device__ inline float row_exp(const float* x, int64_t classes, float greatest, float* p, float* shared) {
  float sum = 0.0f;
  for (int64_t k = threadIdx.x; k < classes; k += kRowThreads) {
    const float e = expf(x[k] - greatest);
    p[k] = e;
    sum += e;
  }
  return block_combine(sum, shared, Sum());
}

}  // namespace senet::cuda
