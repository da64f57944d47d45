// What our own convolutions do to y on its way out: y = relu?( gate * (y + bias) + residual ).
#pragma once

#include <omp.h>

#include <cstdint>

#include "backends/cpu/simd.h"

namespace senet::cpu {

// Each pointer may be null.
struct ConvolutionEpilogue {
  const float* bias = nullptr;      // [K]
  const float* gate = nullptr;      // [N,K]
  const float* residual = nullptr;  // map like y
  bool relu = false;
  // [threads,N,K]: each thread adds up what it writes, for a squeeze that would read y again. Grouped products, which
  // fuse_squeezes() leaves alone, do not.
  float* sums = nullptr;
  int64_t thread_sums = 0;  // N * K

  // The sums of an image for the thread that asks, or null.
  float* sums_of(int64_t image, int64_t channels) const {
    return sums == nullptr ? nullptr : sums + omp_get_thread_num() * thread_sums + image * channels;
  }
};

}  // namespace senet::cpu
