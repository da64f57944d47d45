// The activations, and what a gradient becomes on its way back through one.
#pragma once

#include <cuda_runtime.h>

#include <type_traits>

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

// x where it lies in [0, 6], else the nearer end; a NaN stays one.
__device__ inline float clip6(float x) {
  x = rectify(x);
  return x > 6.0f ? 6.0f : x;
}

__device__ inline float activate(Activation kind, float x) {
  switch (kind) {
    case Activation::kSigmoid:
      return sigmoid(x);
    case Activation::kTanh:
      return tanhf(x);
    case Activation::kHardSigmoid:
      return clip6(x + 3.0f) * (1.0f / 6.0f);
    case Activation::kRelu6:
      return clip6(x);
    case Activation::kSilu:
      return x * sigmoid(x);
    case Activation::kHardSwish:
      return x * (clip6(x + 3.0f) * (1.0f / 6.0f));
    case Activation::kRelu:
      break;
  }
  return rectify(x);
}

// dy times the slope where the activation's value is `saved`, or where its argument is, if it needs_argument; a
// ReLU takes either. Exactly 0 where the activation is flat, whatever dy is.
__device__ inline float times_slope(Activation kind, float dy, float saved) {
  switch (kind) {
    case Activation::kSigmoid:
      return dy * (saved * (1.0f - saved));
    case Activation::kTanh:
      return dy * (1.0f - saved * saved);
    case Activation::kHardSigmoid:
      return saved > 0.0f && saved < 1.0f ? dy * (1.0f / 6.0f) : 0.0f;
    case Activation::kRelu6:
      return saved > 0.0f && saved < 6.0f ? dy : 0.0f;
    case Activation::kSilu: {
      const float s = sigmoid(saved);
      return dy * (s * fmaf(saved, 1.0f - s, 1.0f));
    }
    case Activation::kHardSwish:
      if (saved <= -3.0f) return 0.0f;
      return saved >= 3.0f ? dy : dy * fmaf(saved, 1.0f / 3.0f, 0.5f);
    case Activation::kRelu:
      break;
  }
  return saved > 0.0f ? dy : 0.0f;
}

// function(std::integral_constant<Activation, kind>()), so that loops inside it know the kind.
template <typename Function>
__device__ inline void with_activation(Activation kind, const Function& function) {
  using enum Activation;
  switch (kind) {
    case kSigmoid:
      return function(std::integral_constant<Activation, kSigmoid>());
    case kTanh:
      return function(std::integral_constant<Activation, kTanh>());
    case kHardSigmoid:
      return function(std::integral_constant<Activation, kHardSigmoid>());
    case kRelu6:
      return function(std::integral_constant<Activation, kRelu6>());
    case kSilu:
      return function(std::integral_constant<Activation, kSilu>());
    case kHardSwish:
      return function(std::integral_constant<Activation, kHardSwish>());
    case kRelu:
      return function(std::integral_constant<Activation, kRelu>());
  }
}

}  // namespace senet::cuda
