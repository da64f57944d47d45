// The library of the CUDA backend, opened when a GPU is asked for.
#pragma once

#include <string>
#include <vector>

#include "backends/cuda_plugin.h"

namespace senet::addon {

// Opens the library in the file `plugin`. It needs cuDNN: the first of the files or names in `cudnn` that can be opened
// is the one it gets. The library stays open for good; once open, the same is returned whatever the arguments. From any
// thread. Error(kUnsupported) says what was tried and why each failed.
const CudaPlugin& cuda_plugin(const std::string& plugin, const std::vector<std::string>& cudnn);

}  // namespace senet::addon
