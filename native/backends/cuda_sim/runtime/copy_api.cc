// Copies and fills. They run with the stream, so pinned memory is read and written late; pageable memory is
// read at the call, and written before the call returns, as documented for the real ones.
#include <cuda_runtime_api.h>

#include <cstring>
#include <memory>
#include <vector>

#include "backends/cuda_sim/runtime/device_memory.h"
#include "backends/cuda_sim/runtime/diagnostics.h"
#include "backends/cuda_sim/runtime/pinned.h"
#include "backends/cuda_sim/runtime/runtime.h"
#include "backends/cuda_sim/runtime/traffic.h"
#include "backends/cuda_sim/simt/sanitizers.h"
#include "backends/cuda_sim/simt/settings.h"

using senet::sim::api_call;
using senet::sim::CallKind;
using senet::sim::report;
using senet::sim::Runtime;

namespace senet::sim {

namespace {

struct Copy {
  void* target;
  const void* source;
  size_t bytes;
  bool to_device;
  bool from_device;
};

// Finds out where the addresses lie, and checks that this is what the caller said.
cudaError_t check_copy(const char* function, Copy& copy, enum cudaMemcpyKind kind) {
  const DeviceMemory& memory = device_memory();
  copy.to_device = memory.owns(copy.target);
  copy.from_device = memory.owns(copy.source);
  const bool says_to = kind == cudaMemcpyHostToDevice || kind == cudaMemcpyDeviceToDevice;
  const bool says_from = kind == cudaMemcpyDeviceToHost || kind == cudaMemcpyDeviceToDevice;
  if (kind != cudaMemcpyDefault && (says_to != copy.to_device || says_from != copy.from_device)) {
    return report(cudaErrorInvalidMemcpyDirection, "%s: kind %d, but the target is %s and the source is %s",
                  function, static_cast<int>(kind), copy.to_device ? "on the device" : "on the host",
                  copy.from_device ? "on the device" : "on the host");
  }
  if (copy.to_device && !memory.contains(copy.target, copy.bytes)) {
    return report(cudaErrorInvalidValue, "%s: the target is not inside of one live allocation", function);
  }
  if (copy.from_device && !memory.contains(copy.source, copy.bytes)) {
    return report(cudaErrorInvalidValue, "%s: the source is not inside of one live allocation", function);
  }
  return cudaSuccess;
}

cudaError_t run_copy(const Copy& copy, const void* source) {
  const DeviceMemory& memory = device_memory();
  if ((copy.to_device && !memory.contains(copy.target, copy.bytes)) ||
      (copy.from_device && !memory.contains(copy.source, copy.bytes))) {
    return report(cudaErrorIllegalAddress, "cudaMemcpyAsync: the memory was freed before the copy ran");
  }
  if (!settings().idle) {
    const tsan::Watched watched;
    std::memmove(copy.target, source, copy.bytes);
  }
  traffic().add("cudaMemcpy", copy.from_device ? copy.bytes : 0, copy.to_device ? copy.bytes : 0);
  return cudaSuccess;
}

cudaError_t enqueue_copy(const char* function, Copy copy, enum cudaMemcpyKind kind, cudaStream_t handle) {
  if (copy.bytes == 0) return cudaSuccess;
  cudaError_t error = check_copy(function, copy, kind);
  if (error != cudaSuccess) return error;
  CUstream_st* const stream = find_stream(handle);
  if (stream == nullptr) return report(cudaErrorInvalidResourceHandle, "%s: not a live stream", function);
  const bool captured = stream->capture != nullptr;
  // A graph reads pageable memory when it runs.
  std::shared_ptr<std::vector<std::byte>> staged;
  if (!copy.from_device && !captured && !is_pinned(copy.source)) {
    const auto* const bytes = static_cast<const std::byte*>(copy.source);
    staged = std::make_shared<std::vector<std::byte>>(bytes, bytes + copy.bytes);
  }
  error = enqueue(handle, function, [copy, staged] {
    return run_copy(copy, staged != nullptr ? staged->data() : copy.source);
  });
  if (error != cudaSuccess || captured || copy.to_device || is_pinned(copy.target)) return error;
  return run_stream(*stream);
}

cudaError_t enqueue_fill(const char* function, void* target, int value, size_t bytes, cudaStream_t stream) {
  if (bytes == 0) return cudaSuccess;
  if (!device_memory().contains(target, bytes)) {
    return report(cudaErrorInvalidValue, "%s: the target is not inside of one live allocation", function);
  }
  return enqueue(stream, function, [target, value, bytes] {
    if (!device_memory().contains(target, bytes)) {
      return report(cudaErrorIllegalAddress, "cudaMemsetAsync: the memory was freed before the fill ran");
    }
    if (!settings().idle) {
      const tsan::Watched watched;
      std::memset(target, value, bytes);
    }
    traffic().add("cudaMemset", 0, bytes);
    return cudaSuccess;
  });
}

}  // namespace

}  // namespace senet::sim

extern "C" {

cudaError_t cudaMemcpyAsync(void* target, const void* source, size_t bytes, enum cudaMemcpyKind kind,
                            cudaStream_t stream) {
  return api_call("cudaMemcpyAsync", CallKind::kOrdinary, [&](Runtime&) {
    return senet::sim::enqueue_copy("cudaMemcpyAsync", {target, source, bytes, false, false}, kind, stream);
  });
}

cudaError_t cudaMemcpy(void* target, const void* source, size_t bytes, enum cudaMemcpyKind kind) {
  return api_call("cudaMemcpy", CallKind::kUnsafe, [&](Runtime& state) {
    const cudaError_t error =
        senet::sim::enqueue_copy("cudaMemcpy", {target, source, bytes, false, false}, kind, nullptr);
    return error != cudaSuccess ? error : senet::sim::run_stream(state.legacy_stream);
  });
}

cudaError_t cudaMemsetAsync(void* target, int value, size_t bytes, cudaStream_t stream) {
  return api_call("cudaMemsetAsync", CallKind::kOrdinary, [&](Runtime&) {
    return senet::sim::enqueue_fill("cudaMemsetAsync", target, value, bytes, stream);
  });
}

cudaError_t cudaMemset(void* target, int value, size_t bytes) {
  return api_call("cudaMemset", CallKind::kUnsafe, [&](Runtime&) {
    return senet::sim::enqueue_fill("cudaMemset", target, value, bytes, nullptr);
  });
}
}
