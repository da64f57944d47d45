// Launches: what is checked before a kernel is queued, and how it runs.
#include "backends/cuda_sim/language/launch.h"

#include <sys/mman.h>

#include <cstdint>
#include <cstring>
#include <utility>

#include "backends/cuda/launch.cuh"
#include "backends/cuda_sim/language/memory.h"
#include "backends/cuda_sim/runtime/device_memory.h"
#include "backends/cuda_sim/runtime/diagnostics.h"
#include "backends/cuda_sim/runtime/runtime.h"
#include "backends/cuda_sim/runtime/traffic.h"
#include "backends/cuda_sim/simt/executor.h"
#include "backends/cuda_sim/simt/sanitizers.h"
#include "backends/cuda_sim/simt/settings.h"

namespace senet::sim {

namespace {

constexpr size_t kMaxArgumentBytes = 32764;

// Whether a number looks like the address of mapped memory of the host.
bool looks_like_host_address(uintptr_t value) {
  // Programs and libraries, heaps and stacks lie above this on x86-64, the sanitizers' shadow memory below.
  constexpr uintptr_t kLowest = uintptr_t{0x5000} << 32;
  constexpr uintptr_t kHighest = uintptr_t{1} << 47;
  constexpr uintptr_t kPage = 4096;
  if (value < kLowest || value >= kHighest) return false;
  unsigned char resident;
  return mincore(reinterpret_cast<void*>(value & ~(kPage - 1)), 1, &resident) == 0;
}

// Calls visit(address, is_pointer, argument, offset) for every aligned word of the arguments that is not 0.
template <typename Visit>
cudaError_t for_each_word(const BoundKernel& kernel, Visit visit) {
  for (size_t i = 0; i < kernel.argument_count(); ++i) {
    const ArgumentBytes argument = kernel.argument(i);
    for (size_t offset = 0; offset + sizeof(void*) <= argument.bytes; offset += sizeof(void*)) {
      uintptr_t word;
      std::memcpy(&word, static_cast<const std::byte*>(argument.data) + offset, sizeof word);
      if (word == 0) continue;
      const cudaError_t error = visit(word, argument.is_pointer, i, offset);
      if (error != cudaSuccess) return error;
    }
  }
  return cudaSuccess;
}

// Every address among the arguments, also inside of structures, must be one of live device memory.
cudaError_t check_arguments(const std::string& name, const BoundKernel& kernel) {
  const DeviceMemory& memory = device_memory();
  return for_each_word(kernel, [&](uintptr_t word, bool is_pointer, size_t argument, size_t offset) {
    const void* const address = reinterpret_cast<const void*>(word);
    if (memory.owns(address)) {
      if (memory.find(address) != nullptr) return cudaSuccess;
      return report(cudaErrorIllegalAddress,
                    "launch of %s: argument %zu holds, at byte %zu, an address that is not allocated: freed, "
                    "or computed wrongly",
                    name.c_str(), argument, offset);
    }
    if (is_pointer) {
      return report(cudaErrorIllegalAddress, "launch of %s: argument %zu is the host address %p",
                    name.c_str(), argument, address);
    }
    if (!looks_like_host_address(word)) return cudaSuccess;
    return report(cudaErrorIllegalAddress,
                  "launch of %s: argument %zu holds, at byte %zu, what looks like the host address %p",
                  name.c_str(), argument, offset, address);
  });
}

// Whether what surrounds the allocations that the kernel was given is untouched.
cudaError_t check_surroundings(const std::string& name, const BoundKernel& kernel) {
  const DeviceMemory& memory = device_memory();
  return for_each_word(kernel, [&](uintptr_t word, bool, size_t argument, size_t) {
    const void* const address = reinterpret_cast<const void*>(word);
    const Allocation* const allocation = memory.owns(address) ? memory.find(address) : nullptr;
    if (allocation == nullptr || memory.canary_intact(*allocation)) return cudaSuccess;
    return report(cudaErrorIllegalAddress,
                  "kernel %s wrote just outside of the allocation of argument %zu (%zu bytes)", name.c_str(),
                  argument, allocation->bytes);
  });
}

cudaError_t check_limits(const std::string& name, const cudaLaunchConfig_t& config) {
  const dim3 grid = config.gridDim;
  const dim3 block = config.blockDim;
  const uint64_t threads = uint64_t{block.x} * block.y * block.z;
  const bool block_fits = threads > 0 && threads <= kMaxBlockThreads && block.z <= 64;
  const bool grid_fits =
      grid.x > 0 && grid.y > 0 && grid.z > 0 && grid.x <= 0x7fffffffu && grid.y <= 65535u && grid.z <= 65535u;
  if (block_fits && grid_fits && config.numAttrs == 0) return cudaSuccess;
  return report(cudaErrorInvalidConfiguration,
                "launch of %s: grid (%u,%u,%u), block (%u,%u,%u), %u attributes", name.c_str(), grid.x,
                grid.y, grid.z, block.x, block.y, block.z, config.numAttrs);
}

cudaError_t check_shared(const std::string& name, const cudaLaunchConfig_t& config, const void* function,
                         bool* raised) {
  const auto& limits = runtime().dynamic_shared_limits;
  const auto found = limits.find(function);
  *raised = found != limits.end();
  const size_t limit = *raised ? found->second : SharedArrays::kMaxStatic;
  if (config.dynamicSmemBytes <= limit) return cudaSuccess;
  return report(cudaErrorInvalidValue, "launch of %s: %zu bytes of dynamic shared memory, allowed are %zu%s",
                name.c_str(), config.dynamicSmemBytes, limit,
                *raised ? "" : " (cudaFuncSetAttribute raises that)");
}

cudaError_t run_kernel(const GridLaunch& launch) {
  cudaError_t error = check_arguments(launch.name, *launch.kernel);
  if (error != cudaSuccess) return error;
  traffic().begin_kernel(launch.name);
  if (!settings().idle) error = executor().run(launch);
  traffic().end_kernel();
  return error != cudaSuccess ? error : check_surroundings(launch.name, *launch.kernel);
}

}  // namespace

cudaError_t launch_kernel(const cudaLaunchConfig_t& config, const void* function,
                          std::shared_ptr<const BoundKernel> kernel) {
  return api_call("cudaLaunchKernelEx", CallKind::kOrdinary, [&](Runtime& state) {
    const std::string name = cuda::launching_kernel != nullptr ? cuda::launching_kernel : "(unnamed)";
    if (order_due(state.orders.launch)) {
      return report(cudaErrorLaunchOutOfResources, "launch of %s failed by order of the test", name.c_str());
    }
    size_t bytes = 0;
    for (size_t i = 0; i < kernel->argument_count(); ++i) bytes += kernel->argument(i).bytes;
    if (bytes > kMaxArgumentBytes) {
      return report(cudaErrorInvalidValue, "launch of %s: %zu bytes of arguments", name.c_str(), bytes);
    }
    GridLaunch launch{name,  config.gridDim,   config.blockDim, config.dynamicSmemBytes,
                      false, std::move(kernel)};
    cudaError_t error = check_limits(name, config);
    if (error == cudaSuccess) error = check_shared(name, config, function, &launch.raised_shared_limit);
    if (error == cudaSuccess) error = check_arguments(name, *launch.kernel);
    if (error != cudaSuccess) return error;
    return enqueue(config.stream, name, [launch = std::move(launch)] { return run_kernel(launch); });
  });
}

void check_global_address(const void* address, size_t bytes, size_t alignment, const Site& site) {
  const tsan::Unwatched unwatched;
  if (reinterpret_cast<uintptr_t>(address) % alignment != 0) {
    kernel_fault(cudaErrorMisalignedAddress, site, "%zu bytes at %p, which is not a multiple of %zu", bytes,
                 address, alignment);
  }
  if (!device_memory().contains(address, bytes)) {
    kernel_fault(cudaErrorIllegalAddress, site,
                 "%zu bytes at %p, which are not inside of one live allocation", bytes, address);
  }
}

}  // namespace senet::sim
