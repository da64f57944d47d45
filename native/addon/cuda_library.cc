#include "addon/cuda_library.h"

#include <dlfcn.h>

#include <cstring>
#include <mutex>

#include "core/error.h"

namespace senet::addon {

namespace {

// Why the last call of dlopen or dlsym on this thread failed.
std::string reason() {
  const char* message = dlerror();  // NOLINT(concurrency-mt-unsafe): glibc keeps one for each thread
  return message == nullptr ? "unknown reason" : message;
}

// A line for each name that could not be opened; empty when one could.
std::string open_first(const std::vector<std::string>& names) {
  std::string failures;
  for (const std::string& name : names) {
    // Whoever asks for the same library by its name later gets this one.
    if (dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL) != nullptr) return {};
    failures += "\n  " + reason();
  }
  return failures;
}

const CudaPlugin& load(const std::string& file, const std::vector<std::string>& cudnn) {
  const std::string failures = open_first(cudnn);
  void* library = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    throw Error(ErrorCode::kUnsupported, "the CUDA backend cannot be opened:\n  " + reason() + failures);
  }
  const auto entry = reinterpret_cast<CudaPluginEntry>(dlsym(library, kCudaPluginEntry));
  if (entry == nullptr) throw Error(ErrorCode::kUnsupported, file + ": no library of the CUDA backend");
  if (std::strcmp(entry()->build, kCudaPluginBuild) != 0) {
    throw Error(ErrorCode::kUnsupported, file + ": built from other sources than the addon");
  }
  return *entry();
}

}  // namespace

const CudaPlugin& cuda_plugin(const std::string& plugin, const std::vector<std::string>& cudnn) {
  // Never destroyed: threads of other environments may be here when the process ends.
  static auto* mutex = new std::mutex;
  static const CudaPlugin* opened = nullptr;
  std::lock_guard lock(*mutex);
  if (opened == nullptr) opened = &load(plugin, cudnn);
  return *opened;
}

}  // namespace senet::addon
