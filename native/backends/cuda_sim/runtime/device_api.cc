// The device itself: what it says it is.
#include <cuda_runtime_api.h>

#include <cstdio>

#include "backends/cuda_sim/runtime/device_memory.h"
#include "backends/cuda_sim/runtime/diagnostics.h"
#include "backends/cuda_sim/runtime/runtime.h"
#include "backends/cuda_sim/simt/settings.h"

using senet::sim::api_call;
using senet::sim::CallKind;
using senet::sim::report;
using senet::sim::Runtime;

namespace {

constexpr int kVersion = 13000;

thread_local int g_current = 0;

bool exists(int device) {
  return device >= 0 && static_cast<size_t>(device) < senet::sim::settings().devices.size();
}

// Like an H100, but few multiprocessors: grids that are sized by their number stay small.
cudaDeviceProp properties_of_device(int index) {
  cudaDeviceProp device{};
  std::snprintf(device.name, sizeof device.name, "senet simulated device");
  device.totalGlobalMem = senet::sim::settings().total_memory;
  device.sharedMemPerBlock = size_t{48} << 10;
  device.sharedMemPerBlockOptin = size_t{227} << 10;
  device.sharedMemPerMultiprocessor = size_t{228} << 10;
  device.regsPerBlock = 65536;
  device.warpSize = 32;
  device.maxThreadsPerBlock = 1024;
  device.maxThreadsPerMultiProcessor = 2048;
  device.maxThreadsDim[0] = 1024;
  device.maxThreadsDim[1] = 1024;
  device.maxThreadsDim[2] = 64;
  device.maxGridSize[0] = 0x7fffffff;
  device.maxGridSize[1] = 65535;
  device.maxGridSize[2] = 65535;
  const int capability = senet::sim::settings().devices[static_cast<size_t>(index)];
  device.major = capability / 10;
  device.minor = capability % 10;
  device.multiProcessorCount = 4;
  device.memoryBusWidth = 5120;
  device.l2CacheSize = 50 << 20;
  device.memoryPoolsSupported = 1;
  return device;
}

cudaError_t read_attribute(int* value, enum cudaDeviceAttr attribute, int index) {
  const cudaDeviceProp device = properties_of_device(index);
  switch (attribute) {
    case cudaDevAttrMaxThreadsPerBlock:
      *value = device.maxThreadsPerBlock;
      break;
    case cudaDevAttrMaxBlockDimX:
      *value = device.maxThreadsDim[0];
      break;
    case cudaDevAttrMaxBlockDimY:
      *value = device.maxThreadsDim[1];
      break;
    case cudaDevAttrMaxBlockDimZ:
      *value = device.maxThreadsDim[2];
      break;
    case cudaDevAttrMaxGridDimX:
      *value = device.maxGridSize[0];
      break;
    case cudaDevAttrMaxGridDimY:
      *value = device.maxGridSize[1];
      break;
    case cudaDevAttrMaxGridDimZ:
      *value = device.maxGridSize[2];
      break;
    case cudaDevAttrMaxSharedMemoryPerBlock:
      *value = static_cast<int>(device.sharedMemPerBlock);
      break;
    case cudaDevAttrMaxSharedMemoryPerBlockOptin:
      *value = static_cast<int>(device.sharedMemPerBlockOptin);
      break;
    case cudaDevAttrMaxSharedMemoryPerMultiprocessor:
      *value = static_cast<int>(device.sharedMemPerMultiprocessor);
      break;
    case cudaDevAttrWarpSize:
      *value = device.warpSize;
      break;
    case cudaDevAttrMaxRegistersPerBlock:
      *value = device.regsPerBlock;
      break;
    case cudaDevAttrMultiProcessorCount:
      *value = device.multiProcessorCount;
      break;
    case cudaDevAttrL2CacheSize:
      *value = device.l2CacheSize;
      break;
    case cudaDevAttrMaxThreadsPerMultiProcessor:
      *value = device.maxThreadsPerMultiProcessor;
      break;
    case cudaDevAttrComputeCapabilityMajor:
      *value = device.major;
      break;
    case cudaDevAttrComputeCapabilityMinor:
      *value = device.minor;
      break;
    case cudaDevAttrMemoryPoolsSupported:
      *value = device.memoryPoolsSupported;
      break;
    default:
      return report(cudaErrorInvalidValue, "device attribute %d is not simulated",
                    static_cast<int>(attribute));
  }
  return cudaSuccess;
}

}  // namespace

extern "C" {

cudaError_t cudaGetDeviceCount(int* count) {
  return api_call("cudaGetDeviceCount", CallKind::kRelease, [&](Runtime&) {
    *count = static_cast<int>(senet::sim::settings().devices.size());
    return cudaSuccess;
  });
}

cudaError_t cudaGetDevice(int* device) {
  return api_call("cudaGetDevice", CallKind::kRelease, [&](Runtime&) {
    *device = g_current;
    return cudaSuccess;
  });
}

cudaError_t cudaSetDevice(int device) {
  return api_call("cudaSetDevice", CallKind::kOrdinary, [&](Runtime&) {
    if (!exists(device)) return cudaErrorInvalidDevice;
    g_current = device;
    return cudaSuccess;
  });
}

cudaError_t cudaGetDeviceProperties(struct cudaDeviceProp* properties, int device) {
  return api_call("cudaGetDeviceProperties", CallKind::kOrdinary, [&](Runtime&) {
    if (!exists(device)) return cudaErrorInvalidDevice;
    *properties = properties_of_device(device);
    return cudaSuccess;
  });
}

cudaError_t cudaDeviceGetAttribute(int* value, enum cudaDeviceAttr attribute, int device) {
  return api_call("cudaDeviceGetAttribute", CallKind::kOrdinary, [&](Runtime&) {
    return exists(device) ? read_attribute(value, attribute, device) : cudaErrorInvalidDevice;
  });
}

cudaError_t cudaDeviceGetStreamPriorityRange(int* least, int* greatest) {
  return api_call("cudaDeviceGetStreamPriorityRange", CallKind::kOrdinary, [&](Runtime&) {
    *least = 0;
    *greatest = 0;
    return cudaSuccess;
  });
}

cudaError_t cudaDeviceSynchronize(void) {
  return api_call("cudaDeviceSynchronize", CallKind::kUnsafe,
                  [](Runtime&) { return senet::sim::run_everything(); });
}

cudaError_t cudaRuntimeGetVersion(int* version) {
  return api_call("cudaRuntimeGetVersion", CallKind::kRelease, [&](Runtime&) {
    *version = kVersion;
    return cudaSuccess;
  });
}

cudaError_t cudaDriverGetVersion(int* version) {
  return api_call("cudaDriverGetVersion", CallKind::kRelease, [&](Runtime&) {
    *version = kVersion;
    return cudaSuccess;
  });
}

cudaError_t cudaFuncSetAttribute(const void* function, enum cudaFuncAttribute attribute, int value) {
  return api_call("cudaFuncSetAttribute", CallKind::kOrdinary, [&](Runtime& state) {
    if (attribute == cudaFuncAttributePreferredSharedMemoryCarveout) return cudaSuccess;
    const int most = static_cast<int>(properties_of_device(g_current).sharedMemPerBlockOptin);
    if (attribute != cudaFuncAttributeMaxDynamicSharedMemorySize || value < 0 || value > most) {
      return report(cudaErrorInvalidValue, "cudaFuncSetAttribute: attribute %d cannot be %d",
                    static_cast<int>(attribute), value);
    }
    state.dynamic_shared_limits[function] = static_cast<size_t>(value);
    return cudaSuccess;
  });
}

// Registers are not known here: threads and shared memory limit the number.
cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessor(int* blocks, const void*, int block_size,
                                                          size_t dynamic_shared) {
  return api_call("cudaOccupancyMaxActiveBlocksPerMultiprocessor", CallKind::kOrdinary, [&](Runtime&) {
    const cudaDeviceProp device = properties_of_device(g_current);
    if (block_size < 1 || block_size > device.maxThreadsPerBlock) return cudaErrorInvalidValue;
    constexpr int kMostBlocks = 32;
    const int by_threads = device.maxThreadsPerMultiProcessor / block_size;
    const size_t reserved = 1024;  // what the system takes of a block's shared memory
    const auto by_shared = static_cast<int>(device.sharedMemPerMultiprocessor / (dynamic_shared + reserved));
    *blocks = by_threads < by_shared ? by_threads : by_shared;
    if (*blocks > kMostBlocks) *blocks = kMostBlocks;
    return cudaSuccess;
  });
}
}
