// Looks for GPUs on a thread of the pool: loading libraries and waking the driver take long.
#pragma once

#include <napi.h>

#include <string>
#include <vector>

namespace senet::addon {

// Opens the CUDA backend's library `plugin` and the first of the libraries `cudnn` that there is. The promise's value is
// openCuda()'s.
Napi::Promise search_cuda(Napi::Env env, std::string plugin, std::vector<std::string> cudnn);

}  // namespace senet::addon
