#include "backends/cuda_sim/runtime/runtime.h"

#include <cuda_runtime_api.h>

#include "backends/cuda_sim/device_access.h"
#include "backends/cuda_sim/runtime/capture.h"
#include "backends/cuda_sim/runtime/diagnostics.h"

namespace senet::sim {

namespace {

thread_local cudaError_t thread_error = cudaSuccess;

}  // namespace

Runtime& runtime() {
  static Runtime& only = *new Runtime;  // never destroyed: threads may still use it while the process ends
  return only;
}

bool order_due(uint64_t& count) {
  return count > 0 && --count == 0;
}

bool should_fail(const char* name, int* error) {
  Runtime& state = runtime();
  const std::lock_guard lock(state.mutex);
  if (state.orders.function != name || !order_due(state.orders.call)) return false;
  *error = state.orders.error;
  return true;
}

cudaError_t refusal(const char* function, CallKind kind) {
  Runtime& state = runtime();
  if (state.in_operation) {
    return report(cudaErrorNotPermitted, "%s was called by an operation of a stream", function);
  }
  int ordered = 0;
  if (should_fail(function, &ordered)) {
    return report(static_cast<cudaError_t>(ordered), "%s failed by order of the test", function);
  }
  if (kind == CallKind::kRelease || kind == CallKind::kQuery) return cudaSuccess;
  if (state.sticky != cudaSuccess) return state.sticky;
  return kind == CallKind::kUnsafe ? refuse_during_capture(function) : cudaSuccess;
}

cudaError_t remember(cudaError_t error) {
  if (error != cudaSuccess && error != cudaErrorNotReady) thread_error = error;
  return error;
}

cudaError_t last_error(bool forget) {
  Runtime& state = runtime();
  const std::lock_guard lock(state.mutex);
  const cudaError_t error = state.sticky != cudaSuccess ? state.sticky : thread_error;
  if (forget) thread_error = cudaSuccess;
  return error;
}

}  // namespace senet::sim

extern "C" cudaError_t cudaGetLastError(void) {
  return senet::sim::last_error(true);
}
extern "C" cudaError_t cudaPeekAtLastError(void) {
  return senet::sim::last_error(false);
}
