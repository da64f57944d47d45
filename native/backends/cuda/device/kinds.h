// Choices that host code makes for kernels.
#pragma once

#include <cstdint>

namespace senet::cuda {

enum class Activation : int32_t { kSigmoid, kTanh, kRelu };

// What is added to a normalised and gated map: nothing, a map, or a map with a batch norm of its own.
enum class Shortcut : int32_t { kNone, kPlain, kProjected };

}  // namespace senet::cuda
