// Sums and maxima over the lanes of a warp and the threads of a block, in a fixed order.
#pragma once

#include <cuda_runtime.h>

#include "backends/cuda/device/shared.cuh"

namespace senet::cuda {

inline constexpr int kWarp = 32;
inline constexpr unsigned kAllLanes = 0xffffffffu;

// The sum over groups of `lanes` neighbouring lanes, a power of two; each lane gets its group's. All lanes of
// the warp take part.
template <int lanes = kWarp>
__device__ inline float warp_sum(float value) {
#pragma unroll
  for (int step = lanes / 2; step > 0; step /= 2) {
    value += __shfl_xor_sync(kAllLanes, value, step);
  }
  return value;
}

struct Sum {
  __device__ float operator()(float a, float b) const { return a + b; }
};
// The greater one; a NaN only if both are.
struct Max {
  __device__ float operator()(float a, float b) const { return fmaxf(a, b); }
};

// Combines one value of each thread of a one-dimensional block of whole warps, whose number is a power of
// two; each thread gets the result. shared: [kWarp]. Ends with a barrier, so shared may be used again at
// once.
template <typename Combine>
__device__ inline float block_combine(float value, float* shared, Combine combine) {
#pragma unroll
  for (int step = kWarp / 2; step > 0; step /= 2) {
    value = combine(value, __shfl_xor_sync(kAllLanes, value, step));
  }
  if (threadIdx.x % kWarp == 0) shared[threadIdx.x / kWarp] = value;
  __syncthreads();
  value = shared[0];
  const int warps = static_cast<int>(blockDim.x) / kWarp;
  for (int warp = 1; warp < warps; ++warp) value = combine(value, shared[warp]);
  __syncthreads();
  return value;
}

}  // namespace senet::cuda
