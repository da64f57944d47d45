#include "backends/cuda_sim/runtime/capture.h"

#include <cuda_runtime_api.h>

#include <algorithm>
#include <utility>

#include "backends/cuda_sim/runtime/diagnostics.h"
#include "backends/cuda_sim/runtime/runtime.h"

namespace senet::sim {

namespace {

thread_local enum cudaStreamCaptureMode thread_mode = cudaStreamCaptureModeGlobal;

// Whether a call of this thread that is unsafe in general would disturb the capture.
bool disturbs(const Capture& capture) {
  if (thread_mode == cudaStreamCaptureModeRelaxed || capture.mode == cudaStreamCaptureModeRelaxed)
    return false;
  const bool own = capture.thread == std::this_thread::get_id();
  if (own) return true;
  return capture.mode == cudaStreamCaptureModeGlobal && thread_mode == cudaStreamCaptureModeGlobal;
}

// Marks all nodes that come before `node`, and itself.
void mark_ancestors(const std::vector<GraphNode>& nodes, int node, std::vector<bool>& marked) {
  if (marked[static_cast<size_t>(node)]) return;
  marked[static_cast<size_t>(node)] = true;
  for (const int before : nodes[static_cast<size_t>(node)].dependencies)
    mark_ancestors(nodes, before, marked);
}

// Whether all that was captured comes before the end of the origin.
bool joined(const Capture& capture) {
  std::vector<bool> marked(capture.nodes.size(), false);
  for (const int node : capture.origin->captured_tail) mark_ancestors(capture.nodes, node, marked);
  return std::all_of(marked.begin(), marked.end(), [](bool is) { return is; });
}

// Lets all streams that take part go on without it.
void forget_capture(const std::shared_ptr<Capture>& capture) {
  Runtime& state = runtime();
  state.captures.erase(capture);
  for (CUstream_st* const stream : state.streams) {
    if (stream->capture != capture) continue;
    stream->capture = nullptr;
    stream->captured_tail.clear();
  }
}

// Of the call that should have ended it; the real one does so even when it fails.
void abandon_capture(cudaStream_t handle) {
  const std::lock_guard lock(runtime().mutex);
  const CUstream_st* const stream = find_stream(handle);
  if (stream == nullptr || stream->capture == nullptr) return;
  const std::shared_ptr<Capture> capture = stream->capture;
  forget_capture(capture);
}

cudaError_t end_capture(CUstream_st& stream, cudaGraph_t* graph) {
  const std::shared_ptr<Capture> capture = stream.capture;
  if (capture == nullptr)
    return report(cudaErrorIllegalState, "cudaStreamEndCapture: the stream is not being captured");
  if (capture->origin != &stream) {
    return report(cudaErrorStreamCaptureUnmatched,
                  "cudaStreamEndCapture: the capture began in another stream");
  }
  if (capture->mode != cudaStreamCaptureModeRelaxed && capture->thread != std::this_thread::get_id()) {
    return report(cudaErrorStreamCaptureWrongThread,
                  "cudaStreamEndCapture: the capture began in another thread");
  }
  const bool complete = joined(*capture);
  forget_capture(capture);
  Runtime& state = runtime();
  if (state.sticky != cudaSuccess) return state.sticky;
  if (capture->invalidated) return cudaErrorStreamCaptureInvalidated;
  if (!complete) {
    return report(cudaErrorStreamCaptureUnjoined,
                  "cudaStreamEndCapture: a stream that joined the capture was not waited for");
  }
  *graph = new CUgraph_st{std::move(capture->nodes)};
  state.graphs.insert(*graph);
  return cudaSuccess;
}

cudaError_t begin_capture(cudaStream_t handle, enum cudaStreamCaptureMode mode) {
  CUstream_st* const stream = find_stream(handle);
  if (stream == nullptr) return cudaErrorInvalidResourceHandle;
  Runtime& state = runtime();
  if (stream == &state.legacy_stream) {
    return report(cudaErrorStreamCaptureUnsupported,
                  "cudaStreamBeginCapture: the legacy stream cannot be captured");
  }
  if (stream->capture != nullptr)
    return report(cudaErrorIllegalState, "cudaStreamBeginCapture: already being captured");
  auto capture = std::make_shared<Capture>();
  capture->mode = mode;
  capture->thread = std::this_thread::get_id();
  capture->origin = stream;
  stream->capture = capture;
  stream->captured_tail.clear();
  state.captures.insert(std::move(capture));
  return cudaSuccess;
}

}  // namespace

cudaError_t refuse_during_capture(const char* function) {
  bool disturbed = false;
  for (const auto& capture : runtime().captures) {
    if (!disturbs(*capture)) continue;
    capture->invalidated = true;
    disturbed = true;
  }
  if (!disturbed) return cudaSuccess;
  return report(cudaErrorStreamCaptureUnsupported, "%s while a stream is being captured", function);
}

cudaError_t refuse_capturing_stream(const CUstream_st& stream, const char* function) {
  if (stream.capture == nullptr) return cudaSuccess;
  stream.capture->invalidated = true;
  return report(cudaErrorStreamCaptureUnsupported, "%s: the stream is being captured", function);
}

cudaError_t refuse_captured_event(const EventState& event, const char* function) {
  if (event.captured_nodes.empty() && event.capture.expired()) return cudaSuccess;
  const std::shared_ptr<Capture> capture = event.capture.lock();
  if (capture != nullptr) capture->invalidated = true;
  return report(cudaErrorCapturedEvent, "%s: the event was recorded in a capture", function);
}

cudaError_t capture_work(CUstream_st& stream, std::shared_ptr<const Work> work) {
  Capture& capture = *stream.capture;
  if (capture.invalidated) return cudaErrorStreamCaptureInvalidated;
  capture.nodes.push_back({std::move(work), stream.captured_tail});
  stream.captured_tail = {static_cast<int>(capture.nodes.size()) - 1};
  return cudaSuccess;
}

cudaError_t capture_record(CUstream_st& stream, EventState& event) {
  if (stream.capture->invalidated) return cudaErrorStreamCaptureInvalidated;
  event.capture = stream.capture;
  event.captured_nodes = stream.captured_tail;
  return cudaSuccess;
}

cudaError_t capture_wait(CUstream_st& stream, EventState& event) {
  const std::shared_ptr<Capture> capture = event.capture.lock();
  if (capture == nullptr) {
    stream.capture->invalidated = true;
    return report(cudaErrorStreamCaptureIsolation,
                  "cudaStreamWaitEvent: a stream that is being captured waits for an event from outside of "
                  "the capture");
  }
  if (capture->invalidated) return cudaErrorStreamCaptureInvalidated;
  if (stream.capture != nullptr && stream.capture != capture) {
    stream.capture->invalidated = true;
    capture->invalidated = true;
    return report(cudaErrorStreamCaptureMerge, "cudaStreamWaitEvent: the event belongs to another capture");
  }
  if (stream.capture == nullptr) {
    stream.capture = capture;
    stream.captured_tail.clear();
  }
  for (const int node : event.captured_nodes) {
    auto& tail = stream.captured_tail;
    if (std::find(tail.begin(), tail.end(), node) == tail.end()) tail.push_back(node);
  }
  return cudaSuccess;
}

}  // namespace senet::sim

using senet::sim::api_call;
using senet::sim::CallKind;
using senet::sim::Runtime;

extern "C" {

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, enum cudaStreamCaptureMode mode) {
  return api_call("cudaStreamBeginCapture", CallKind::kOrdinary,
                  [&](Runtime&) { return senet::sim::begin_capture(stream, mode); });
}

cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* graph) {
  *graph = nullptr;
  bool refused = true;
  const cudaError_t error = api_call("cudaStreamEndCapture", CallKind::kRelease, [&](Runtime&) {
    refused = false;
    CUstream_st* const found = senet::sim::find_stream(stream);
    return found == nullptr ? cudaErrorInvalidResourceHandle : senet::sim::end_capture(*found, graph);
  });
  if (refused) senet::sim::abandon_capture(stream);
  return error;
}

cudaError_t cudaStreamIsCapturing(cudaStream_t stream, enum cudaStreamCaptureStatus* status) {
  return api_call("cudaStreamIsCapturing", CallKind::kOrdinary, [&](Runtime&) {
    const CUstream_st* const found = senet::sim::find_stream(stream);
    if (found == nullptr) return cudaErrorInvalidResourceHandle;
    *status = found->capture == nullptr     ? cudaStreamCaptureStatusNone
              : found->capture->invalidated ? cudaStreamCaptureStatusInvalidated
                                            : cudaStreamCaptureStatusActive;
    return cudaSuccess;
  });
}

cudaError_t cudaThreadExchangeStreamCaptureMode(enum cudaStreamCaptureMode* mode) {
  std::swap(*mode, senet::sim::thread_mode);
  return cudaSuccess;
}
}
