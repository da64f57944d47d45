// What our own convolutions do to y on its way out: y = relu?( gate * (y + bias) + residual ).
#pragma once

#include <cstdint>

#include "backends/cpu/simd.h"

namespace senet::cpu {

// Each pointer may be null.
struct ConvolutionEpilogue {
  const float* bias = nullptr;      // [K]
  const float* gate = nullptr;      // [N,K]
  const float* residual = nullptr;  // map like y
  bool relu = false;
};

}  // namespace senet::cpu
