// The activations, and their slopes from their values.
#pragma once

#include <cuda_runtime.h>

#include "backends/cuda/device/kinds.h"

namespace senet::cuda {

// max(x, 0) that lets a NaN through.
__device__ inline float rectify(float x) {
  return x < 0.0f ? 0.0f : x;
}

// From exp(-|x|), which cannot overflow.
__device__ inline float sigmoid(float x) {
  const float e = expf(-fabsf(x));
  return (x < 0.0f ? e : 1.0f) / (1.0f + e);
}

__device__ inline float activate(Activation kind, float x) {
  if (kind == Activation::kSigmoid) return sigmoid(x);
  if (kind == Activation::kTanh) return tanhf(x);
  return rectify(x);
}

// The derivative where the value is s.
__device__ inline float activation_slope(Activation kind, float s) {
  if (kind == Activation::kSigmoid) return s * (1.0f - s);
  if (kind == Activation::kTanh) return 1.0f - s * s;
  return s > 0.0f ? 1.0f : 0.0f;
}

}  // namespace senet::cuda
