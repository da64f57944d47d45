// Streams and events.
#include <cuda_runtime_api.h>

#include <algorithm>

#include "backends/cuda_sim/runtime/capture.h"
#include "backends/cuda_sim/runtime/diagnostics.h"
#include "backends/cuda_sim/runtime/runtime.h"
#include "backends/cuda_sim/simt/sanitizers.h"

using senet::sim::api_call;
using senet::sim::CallKind;
using senet::sim::EventState;
using senet::sim::find_stream;
using senet::sim::Operation;
using senet::sim::report;
using senet::sim::Runtime;

namespace tsan = senet::sim::tsan;

namespace {

cudaError_t not_a_stream(const char* function) {
  return report(cudaErrorInvalidResourceHandle, "%s: not a live stream", function);
}

cudaError_t not_an_event(const char* function) {
  return report(cudaErrorInvalidResourceHandle, "%s: not a live event", function);
}

cudaError_t create_stream(const char* function, cudaStream_t* stream, unsigned flags) {
  return api_call(function, CallKind::kOrdinary, [&](Runtime& state) {
    if ((flags & ~static_cast<unsigned>(cudaStreamNonBlocking)) != 0) return cudaErrorInvalidValue;
    *stream = new CUstream_st;
    (*stream)->blocking = (flags & cudaStreamNonBlocking) == 0;
    state.streams.push_back(*stream);
    return cudaSuccess;
  });
}

cudaError_t create_event(const char* function, cudaEvent_t* event, unsigned flags) {
  return api_call(function, CallKind::kOrdinary, [&](Runtime& state) {
    *event = new CUevent_st;
    (*event)->state->timed = (flags & cudaEventDisableTiming) == 0;
    state.events.insert(*event);
    return cudaSuccess;
  });
}

cudaError_t record_event(EventState& event, const std::shared_ptr<EventState>& shared, CUstream_st& stream) {
  if (stream.capture != nullptr) return senet::sim::capture_record(stream, event);
  event.capture.reset();
  event.captured_nodes.clear();
  Operation operation;
  operation.record = shared;
  operation.generation = ++event.recorded;
  return senet::sim::enqueue_operation(stream, std::move(operation));
}

cudaError_t wait_for_event(const std::shared_ptr<EventState>& event, CUstream_st& stream) {
  const bool captured = !event->capture.expired() || !event->captured_nodes.empty();
  if (stream.capture != nullptr || captured) return senet::sim::capture_wait(stream, *event);
  if (event->recorded == 0) return cudaSuccess;
  Operation operation;
  operation.wait = event;
  operation.generation = event->recorded;
  return senet::sim::enqueue_operation(stream, std::move(operation));
}

}  // namespace

extern "C" {

cudaError_t cudaStreamCreate(cudaStream_t* stream) {
  return create_stream("cudaStreamCreate", stream, 0);
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned flags) {
  return create_stream("cudaStreamCreateWithFlags", stream, flags);
}

cudaError_t cudaStreamCreateWithPriority(cudaStream_t* stream, unsigned flags, int) {
  return create_stream("cudaStreamCreateWithPriority", stream, flags);
}

// The real one returns at once and lets the stream's work end; here the work ends first.
cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  return api_call("cudaStreamDestroy", CallKind::kRelease, [&](Runtime& state) {
    if (stream == nullptr || find_stream(stream) != stream) return not_a_stream("cudaStreamDestroy");
    cudaError_t error = senet::sim::refuse_capturing_stream(*stream, "cudaStreamDestroy");
    if (error != cudaSuccess) return error;
    error = senet::sim::run_stream(*stream);
    tsan::destroy_identity(stream->identity);
    state.streams.erase(std::find(state.streams.begin(), state.streams.end(), stream));
    delete stream;
    return error;
  });
}

cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  return api_call("cudaStreamSynchronize", CallKind::kUnsafe, [&](Runtime&) {
    CUstream_st* const found = find_stream(stream);
    if (found == nullptr) return not_a_stream("cudaStreamSynchronize");
    const cudaError_t error = senet::sim::refuse_capturing_stream(*found, "cudaStreamSynchronize");
    return error != cudaSuccess ? error : senet::sim::run_stream(*found);
  });
}

cudaError_t cudaStreamQuery(cudaStream_t stream) {
  return api_call("cudaStreamQuery", CallKind::kUnsafe, [&](Runtime& state) {
    CUstream_st* const found = find_stream(stream);
    if (found == nullptr) return not_a_stream("cudaStreamQuery");
    cudaError_t error = senet::sim::refuse_capturing_stream(*found, "cudaStreamQuery");
    if (error != cudaSuccess) return error;
    error = senet::sim::run_a_little();
    if (error != cudaSuccess) return error;
    if (!found->queue.empty()) return cudaErrorNotReady;
    tsan::acquire(&found->tag);
    return state.sticky;
  });
}

cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned flags) {
  return api_call("cudaStreamWaitEvent", CallKind::kOrdinary, [&](Runtime& state) {
    CUstream_st* const found = find_stream(stream);
    if (found == nullptr) return not_a_stream("cudaStreamWaitEvent");
    if (state.events.count(event) == 0) return not_an_event("cudaStreamWaitEvent");
    return flags != 0 ? cudaErrorInvalidValue : wait_for_event(event->state, *found);
  });
}

cudaError_t cudaLaunchHostFunc(cudaStream_t stream, cudaHostFn_t function, void* data) {
  return api_call("cudaLaunchHostFunc", CallKind::kOrdinary, [&](Runtime&) {
    return senet::sim::enqueue(stream, "cudaLaunchHostFunc", [function, data] {
      const tsan::Watched watched;
      function(data);
      return cudaSuccess;
    });
  });
}

cudaError_t cudaEventCreate(cudaEvent_t* event) {
  return create_event("cudaEventCreate", event, cudaEventDefault);
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned flags) {
  return create_event("cudaEventCreateWithFlags", event, flags);
}

cudaError_t cudaEventDestroy(cudaEvent_t event) {
  return api_call("cudaEventDestroy", CallKind::kRelease, [&](Runtime& state) {
    if (state.events.erase(event) == 0) return not_an_event("cudaEventDestroy");
    delete event;
    return cudaSuccess;
  });
}

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  return api_call("cudaEventRecord", CallKind::kOrdinary, [&](Runtime& state) {
    CUstream_st* const found = find_stream(stream);
    if (found == nullptr) return not_a_stream("cudaEventRecord");
    if (state.events.count(event) == 0) return not_an_event("cudaEventRecord");
    return record_event(*event->state, event->state, *found);
  });
}

cudaError_t cudaEventQuery(cudaEvent_t event) {
  return api_call("cudaEventQuery", CallKind::kUnsafe, [&](Runtime& state) {
    if (state.events.count(event) == 0) return not_an_event("cudaEventQuery");
    EventState& found = *event->state;
    cudaError_t error = senet::sim::refuse_captured_event(found, "cudaEventQuery");
    if (error != cudaSuccess) return error;
    error = senet::sim::run_a_little();
    if (error != cudaSuccess) return error;
    if (found.completed < found.recorded) return cudaErrorNotReady;
    tsan::acquire(&found.tag);
    return cudaSuccess;
  });
}

cudaError_t cudaEventSynchronize(cudaEvent_t event) {
  return api_call("cudaEventSynchronize", CallKind::kUnsafe, [&](Runtime& state) {
    if (state.events.count(event) == 0) return not_an_event("cudaEventSynchronize");
    EventState& found = *event->state;
    cudaError_t error = senet::sim::refuse_captured_event(found, "cudaEventSynchronize");
    if (error != cudaSuccess) return error;
    error = senet::sim::run_until([&found] { return found.completed >= found.recorded; });
    tsan::acquire(&found.tag);
    return error;
  });
}

// The time the simulator took, which says nothing of a GPU.
cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t start, cudaEvent_t end) {
  return api_call("cudaEventElapsedTime", CallKind::kOrdinary, [&](Runtime& state) {
    if (state.events.count(start) == 0 || state.events.count(end) == 0)
      return not_an_event("cudaEventElapsedTime");
    const EventState& from = *start->state;
    const EventState& to = *end->state;
    if (!from.timed || !to.timed || from.recorded == 0 || to.recorded == 0)
      return cudaErrorInvalidResourceHandle;
    if (from.completed < from.recorded || to.completed < to.recorded) return cudaErrorNotReady;
    // Simulated time: a microsecond for each operation of the device, so that choices by timing are always the same.
    *milliseconds = static_cast<float>(static_cast<int64_t>(to.when - from.when)) / 1000;
    return cudaSuccess;
  });
}
}
