// The CUDA backend: convolutions and matrix products by cuDNN, everything else by kernels of our own. It lives in a
// library of its own, which the addon opens when a GPU is asked for.
#pragma once

#include <memory>
#include <string>

#include "backends/cuda_plugin.h"

namespace senet::cuda {

// How many devices there are; with none, `*why` says the reason.
int device_count(std::string* why);
// "NVIDIA H100 80GB HBM3, compute capability 9.0, 80 GB". Throws Error.
std::string device_description(int device);

// Throws Error(kUnsupported) when the device cannot be used.
std::unique_ptr<Backend> make_cuda_backend(const CudaOptions& options);

}  // namespace senet::cuda
