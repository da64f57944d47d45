// Whether it pays to fuse more into a convolution.
#pragma once

#include <string>

#include "backends/cuda/ops/convolution.h"
#include "core/error.h"

namespace senet::cuda {

// Buffers for timing what a fused convolution saves.
inline DeviceMemory timing_buffer(const Kit& kit, size_t bytes) {
  return DeviceMemory(kit.stream, bytes, "timing what a convolution may take along");
}

// Whether there is a plan with all of `fused`, which takes at most saved_ms() longer than that of `plain`. Not where
// `plain` itself is better computed in two steps.
template <typename Saved>
bool pays(const Kit& kit, const std::string& layer, const ConvolutionProblem& plain,
          const ConvolutionProblem& fused, const Saved& saved_ms) {
  if (!kit.dnn->supports(fused) || !fuses(kit, layer, plain)) return false;
  try {
    return kit.dnn->milliseconds(layer, fused) - kit.dnn->milliseconds(layer, plain) <= saved_ms();
  } catch (const Error& error) {
    // Without room for timing there still is for the program.
    if (error.code() != ErrorCode::kOutOfMemory) throw;
    return false;
  }
}

}  // namespace senet::cuda
