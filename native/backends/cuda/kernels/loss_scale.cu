// Dynamic loss scaling, a thread each: what the scale is, and what it becomes after a step.
#include "backends/cuda/kernels/kernels.h"
#include "backends/cuda/launch.cuh"

namespace senet::cuda {
namespace {

constexpr float kGoodSteps = 2000;                              // until the scale doubles
constexpr float kFirst = 65536;                                 // at exponent 0
constexpr float kLargestExponent = 8, kSmallestExponent = -16;  // scales 2^24 and 1

// state, scale, unscale [1].
__global__ void loss_scale_kernel(const LossScale* state, float* scale, float* unscale) {
  *scale = kFirst * exp2f(state->exponent);
  *unscale = exp2f(-state->exponent) / kFirst;
}

// All [1].
__global__ void loss_scale_update_kernel(LossScale* state, const int32_t* overflow, int32_t* failed,
                                         int32_t* hopeless) {
  if (*failed != 0) return;
  LossScale next = *state;
  if (*overflow != 0) {
    *failed = 1;
    *hopeless = next.exponent <= kSmallestExponent ? 1 : 0;
    next.exponent = fmaxf(next.exponent - 1, kSmallestExponent);
    next.good_steps = 0;
  } else if (++next.good_steps >= kGoodSteps) {
    next.exponent = fminf(next.exponent + 1, kLargestExponent);
    next.good_steps = 0;
  }
  *state = next;
}

}  // namespace

void loss_scale(const LossScale* state, float* scale, float* unscale, cudaStream_t stream) {
  launch("loss_scale_kernel", loss_scale_kernel, dim3(1), dim3(1), 0, stream, state, scale, unscale);
}

void loss_scale_update(LossScale* state, const int32_t* overflow, int32_t* failed, int32_t* hopeless,
                       cudaStream_t stream) {
  launch("loss_scale_update_kernel", loss_scale_update_kernel, dim3(1), dim3(1), 0, stream, state, overflow,
         failed, hopeless);
}

}  // namespace senet::cuda
