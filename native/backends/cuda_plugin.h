// What the library of the CUDA backend offers to the addon, which links no CUDA and opens that library when a GPU is
// asked for. Classes cross between the two, so both must be built from the same headers: the build tells when they were
// not. It is defined by the build (plugin_build.cmake).
#pragma once

#include <memory>
#include <string>

#include "backends/backend.h"
#include "backends/cuda/storage_type.h"

namespace senet {

struct CudaOptions {
  int device = 0;
  // What feature maps are stored in; sums, statistics, weights and everything that is no map are float32.
  cuda::Storage storage = cuda::Storage::kFloat32;
  // float32 products may be rounded to TF32.
  bool tf32 = false;
  // The same bits in each run.
  bool deterministic = true;
  // Choose among the library's implementations by timing them.
  bool autotune = false;
  // Where plans are kept between processes: a folder, empty for nowhere.
  std::string plan_cache;
};

inline constexpr char kCudaPluginBuild[] = SENET_PLUGIN_BUILD;

struct CudaPlugin {
  const char* build;  // kCudaPluginBuild
  // How many devices there are; with none, `*why` says the reason.
  int (*device_count)(std::string* why);
  // "NVIDIA H100 80GB HBM3, compute capability 9.0, 79 GB". Throws Error.
  std::string (*device_description)(int device);
  // Versions of the libraries in use.
  std::string (*description)();
  // Throws Error(kUnsupported) when the device cannot be used.
  std::unique_ptr<Backend> (*make_backend)(const CudaOptions& options);
};

// The one symbol of the library, of this type.
using CudaPluginEntry = const CudaPlugin* (*)();
inline constexpr char kCudaPluginEntry[] = "senet_cuda_plugin";

}  // namespace senet
