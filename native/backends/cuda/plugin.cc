// The entry of the CUDA backend's library (backends/cuda_plugin.h).
#include "backends/cuda_plugin.h"

#include "backends/cuda/cuda_backend.h"
#include "backends/cuda/dnn.h"

namespace senet {

namespace {

std::string runtime_version() {
  int version = 0;
  if (cudaRuntimeGetVersion(&version) != cudaSuccess) return "unknown";
  return std::to_string(version / 1000) + "." + std::to_string(version % 1000 / 10);
}

std::string description() {
  return "CUDA runtime " + runtime_version() + ", " + cuda::dnn_version();
}

constexpr CudaPlugin kPlugin = {kCudaPluginBuild, cuda::device_count, cuda::device_description, description,
                                cuda::make_cuda_backend};

}  // namespace

}  // namespace senet

extern "C" __attribute__((visibility("default"))) const senet::CudaPlugin* senet_cuda_plugin() {
  return &senet::kPlugin;
}
