// Choices that host code makes for kernels.
#pragma once

#include <cstdint>

namespace senet::cuda {

enum class Activation : int32_t { kSigmoid, kTanh, kRelu, kHardSigmoid, kRelu6, kSilu, kHardSwish };

// Whether the slope follows from the argument alone; for the others it follows from the value.
constexpr bool needs_argument(Activation kind) {
  return kind == Activation::kSilu || kind == Activation::kHardSwish;
}

// What is added to a normalised and gated map: nothing, a map, or a map with a batch norm of its own.
enum class Shortcut : int32_t { kNone, kPlain, kProjected };

}  // namespace senet::cuda
