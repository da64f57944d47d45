// The CPU backend: convolutions and matrix products by oneDNN, everything else by kernels of our own.
#pragma once

#include <memory>
#include <string>

#include "backends/backend.h"

namespace senet::cpu {

// `threads`: how many a program uses, 0 for one per core. `layout`: how maps are stored, "auto" (what suits
// the processor), "blocked8", "blocked16" or "channels_last"; a program that cannot be stored in blocks is
// stored channels-last all the same. `convolutions`: "direct" sums by oneDNN, "winograd" or "strips" (and
// the gradients of small groups) wherever they can be used, or "auto", where they are faster.
std::unique_ptr<Backend> make_cpu_backend(int threads, const std::string& layout,
                                          const std::string& convolutions);

}  // namespace senet::cpu
