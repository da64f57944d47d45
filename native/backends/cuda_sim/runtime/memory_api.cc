// Memory of the device and pinned memory of the host.
#include <cuda_runtime_api.h>

#include <cstdlib>
#include <cstring>

#include "backends/cuda_sim/runtime/capture.h"
#include "backends/cuda_sim/runtime/device_memory.h"
#include "backends/cuda_sim/runtime/diagnostics.h"
#include "backends/cuda_sim/runtime/pinned.h"
#include "backends/cuda_sim/runtime/runtime.h"
#include "backends/cuda_sim/simt/settings.h"

using senet::sim::api_call;
using senet::sim::CallKind;
using senet::sim::device_memory;
using senet::sim::report;
using senet::sim::Runtime;

namespace senet::sim {

bool is_pinned(const void* address) {
  const auto& pinned = runtime().pinned;
  const auto* const byte = static_cast<const std::byte*>(address);
  const auto next = pinned.upper_bound(byte);
  if (next == pinned.begin()) return false;
  const auto& [data, bytes] = *std::prev(next);
  return byte < data + bytes;
}

namespace {

cudaError_t allocate(Runtime& state, void** pointer, size_t bytes) {
  *pointer = nullptr;
  if (bytes == 0) return cudaSuccess;
  if (order_due(state.orders.allocation)) {
    return report(cudaErrorMemoryAllocation, "allocation of %zu bytes failed by order of the test", bytes);
  }
  *pointer = device_memory().allocate(bytes);
  if (*pointer != nullptr) return cudaSuccess;
  return report(cudaErrorMemoryAllocation, "no room for %zu bytes: %zu of %zu are in use", bytes,
                device_memory().used_bytes(), settings().total_memory);
}

cudaError_t allocate_pinned(const char* function, void** pointer, size_t bytes) {
  return api_call(function, CallKind::kUnsafe, [&](Runtime& state) {
    *pointer = nullptr;
    if (bytes == 0) return cudaSuccess;
    void* const memory = std::aligned_alloc(256, (bytes + 255) / 256 * 256);
    if (memory == nullptr) return cudaErrorMemoryAllocation;
    std::memset(memory, settings().fill, bytes);
    state.pinned[static_cast<const std::byte*>(memory)] = bytes;
    *pointer = memory;
    return cudaSuccess;
  });
}

}  // namespace

}  // namespace senet::sim

extern "C" {

cudaError_t cudaMalloc(void** pointer, size_t bytes) {
  return api_call("cudaMalloc", CallKind::kUnsafe,
                  [&](Runtime& state) { return senet::sim::allocate(state, pointer, bytes); });
}

// Waits for the whole device, as the real one does.
cudaError_t cudaFree(void* pointer) {
  return api_call("cudaFree", CallKind::kRelease, [&](Runtime&) {
    if (pointer == nullptr) return cudaSuccess;
    cudaError_t error = senet::sim::refuse_during_capture("cudaFree");
    if (error != cudaSuccess) return error;
    error = senet::sim::run_everything();
    const cudaError_t released = device_memory().release(pointer);
    return released != cudaSuccess ? released : error;
  });
}

// The memory is there at once; what the queued cudaFreeAsync calls still hold is waited for when it is
// needed.
cudaError_t cudaMallocAsync(void** pointer, size_t bytes, cudaStream_t stream) {
  return api_call("cudaMallocAsync", CallKind::kOrdinary, [&](Runtime& state) {
    const CUstream_st* const found = senet::sim::find_stream(stream);
    if (found == nullptr) return cudaErrorInvalidResourceHandle;
    if (found->capture != nullptr)
      return report(cudaErrorNotSupported, "cudaMallocAsync in a capture is not simulated");
    if (device_memory().used_bytes() + bytes > senet::sim::settings().total_memory) {
      const cudaError_t error = senet::sim::run_everything();
      if (error != cudaSuccess) return error;
    }
    return senet::sim::allocate(state, pointer, bytes);
  });
}

cudaError_t cudaFreeAsync(void* pointer, cudaStream_t stream) {
  return api_call("cudaFreeAsync", CallKind::kRelease, [&](Runtime&) {
    if (pointer == nullptr) return cudaSuccess;
    CUstream_st* const found = senet::sim::find_stream(stream);
    if (found == nullptr) return cudaErrorInvalidResourceHandle;
    if (found->capture != nullptr)
      return report(cudaErrorNotSupported, "cudaFreeAsync in a capture is not simulated");
    senet::sim::Operation operation;
    operation.work = std::make_shared<const senet::sim::Work>(senet::sim::Work{
        .name = "cudaFreeAsync",
        .run = [pointer] { return device_memory().release(pointer); },
        .frees = true,
    });
    return senet::sim::enqueue_operation(*found, std::move(operation));
  });
}

cudaError_t cudaMallocHost(void** pointer, size_t bytes) {
  return senet::sim::allocate_pinned("cudaMallocHost", pointer, bytes);
}

cudaError_t cudaHostAlloc(void** pointer, size_t bytes, unsigned) {
  return senet::sim::allocate_pinned("cudaHostAlloc", pointer, bytes);
}

cudaError_t cudaFreeHost(void* pointer) {
  return api_call("cudaFreeHost", CallKind::kRelease, [&](Runtime& state) {
    if (pointer == nullptr) return cudaSuccess;
    cudaError_t error = senet::sim::refuse_during_capture("cudaFreeHost");
    if (error != cudaSuccess) return error;
    error = senet::sim::run_everything();
    if (state.pinned.erase(static_cast<const std::byte*>(pointer)) == 0) {
      return report(cudaErrorInvalidValue, "cudaFreeHost: %p is not pinned memory", pointer);
    }
    std::free(pointer);
    return error;
  });
}

cudaError_t cudaMemGetInfo(size_t* free, size_t* total) {
  return api_call("cudaMemGetInfo", CallKind::kOrdinary, [&](Runtime&) {
    *total = senet::sim::settings().total_memory;
    const size_t used = device_memory().used_bytes();
    *free = used < *total ? *total - used : 0;
    return cudaSuccess;
  });
}

cudaError_t cudaPointerGetAttributes(struct cudaPointerAttributes* attributes, const void* pointer) {
  return api_call("cudaPointerGetAttributes", CallKind::kOrdinary, [&](Runtime&) {
    *attributes = {};
    void* const address = const_cast<void*>(pointer);
    if (device_memory().contains(pointer, 1)) {
      attributes->type = cudaMemoryTypeDevice;
      attributes->devicePointer = address;
    } else {
      attributes->type = senet::sim::is_pinned(pointer) ? cudaMemoryTypeHost : cudaMemoryTypeUnregistered;
      attributes->hostPointer = address;
      attributes->device = attributes->type == cudaMemoryTypeHost ? 0 : -2;
    }
    return cudaSuccess;
  });
}
}
