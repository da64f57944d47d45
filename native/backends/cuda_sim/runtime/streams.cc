#include "backends/cuda_sim/runtime/streams.h"

#include <algorithm>
#include <utility>

#include "backends/cuda_sim/runtime/capture.h"
#include "backends/cuda_sim/runtime/device_memory.h"
#include "backends/cuda_sim/runtime/diagnostics.h"
#include "backends/cuda_sim/runtime/runtime.h"
#include "backends/cuda_sim/simt/sanitizers.h"
#include "backends/cuda_sim/simt/settings.h"

namespace senet::sim {

namespace {

// Nodes of a graph in progress whose predecessors are done.
std::vector<size_t> ready_nodes(const GraphRun& run) {
  std::vector<size_t> ready;
  for (size_t i = 0; i < run.done.size(); ++i) {
    if (run.done[i]) continue;
    bool free = true;
    for (const int before : run.graph->nodes[i].dependencies)
      free = free && run.done[static_cast<size_t>(before)];
    if (free) ready.push_back(i);
  }
  return ready;
}

bool runnable(const CUstream_st& stream) {
  if (stream.queue.empty()) return false;
  const Operation& operation = stream.queue.front();
  if (operation.wait != nullptr) return operation.wait->completed >= operation.generation;
  if (operation.graph != nullptr) return operation.graph->graph->completed + 1 == operation.graph->number;
  return true;
}

cudaError_t run_work(const Work& work) {
  Runtime& state = runtime();
  // After an error nothing else runs any more, but the queues still empty.
  if (state.sticky != cudaSuccess && !work.frees) return cudaSuccess;
  state.in_operation = true;
  ++state.operations;
  const cudaError_t error = !work.frees && order_due(state.orders.operation)
                                ? report(static_cast<cudaError_t>(state.orders.operation_error),
                                         "%s failed by order of the test", work.name.c_str())
                                : work.run();
  state.in_operation = false;
  if (error != cudaSuccess && state.sticky == cudaSuccess) state.sticky = error;
  return error;
}

// Does one step of an operation. True when it is finished.
bool advance(Operation& operation) {
  if (operation.wait != nullptr) tsan::acquire(&operation.wait->tag);
  if (operation.work != nullptr) run_work(*operation.work);
  if (operation.record != nullptr) {
    operation.record->completed = operation.generation;
    operation.record->when = runtime().operations;
    tsan::release(&operation.record->tag);
  }
  if (operation.graph == nullptr) return true;

  GraphRun& run = *operation.graph;
  tsan::acquire(&run.graph->tag);
  if (run.remaining > 0) {
    const std::vector<size_t> ready = ready_nodes(run);
    const size_t node = ready[choose(ready.size())];
    run_work(*run.graph->nodes[node].work);
    run.done[node] = true;
    --run.remaining;
  }
  if (run.remaining > 0) return false;
  ++run.graph->completed;
  tsan::release(&run.graph->tag);
  return true;
}

void step(CUstream_st& stream) {
  // The race detector takes each stream for a thread. What the host did before it queued the operation comes
  // before it.
  void* const host = tsan::current_identity();
  if (stream.identity == nullptr) stream.identity = tsan::create_identity();
  tsan::become(stream.identity);
  tsan::acquire(stream.queue.front().tag.get());
  {
    const tsan::Unwatched unwatched;
    if (advance(stream.queue.front())) stream.queue.pop_front();
  }
  tsan::release(&stream.tag);
  tsan::become(host);
}

std::vector<CUstream_st*> runnable_streams() {
  Runtime& state = runtime();
  std::vector<CUstream_st*> found;
  if (runnable(state.legacy_stream)) found.push_back(&state.legacy_stream);
  for (CUstream_st* const stream : state.streams) {
    if (runnable(*stream)) found.push_back(stream);
  }
  return found;
}

// The legacy stream and the blocking ones wait for each other.
cudaError_t wait_for_other_side(CUstream_st& stream) {
  Runtime& state = runtime();
  if (&stream != &state.legacy_stream) {
    if (!stream.blocking || state.legacy_stream.queue.empty()) return cudaSuccess;
    return run_stream(state.legacy_stream);
  }
  for (CUstream_st* const other : state.streams) {
    if (!other->blocking) continue;
    if (other->capture != nullptr) {
      other->capture->invalidated = true;
      return report(cudaErrorStreamCaptureImplicit,
                    "the legacy stream is used while a blocking stream is being captured");
    }
    const cudaError_t error = run_stream(*other);
    if (error != cudaSuccess) return error;
  }
  return cudaSuccess;
}

}  // namespace

CUstream_st* find_stream(cudaStream_t handle) {
  Runtime& state = runtime();
  if (handle == nullptr || handle == cudaStreamLegacy) return &state.legacy_stream;
  return std::find(state.streams.begin(), state.streams.end(), handle) != state.streams.end() ? handle
                                                                                              : nullptr;
}

cudaError_t enqueue(cudaStream_t handle, std::string name, std::function<cudaError_t()> run) {
  CUstream_st* const stream = find_stream(handle);
  if (stream == nullptr) return report(cudaErrorInvalidResourceHandle, "%s: not a live stream", name.c_str());
  Operation operation;
  operation.work = std::make_shared<const Work>(Work{std::move(name), std::move(run)});
  if (stream->capture != nullptr) return capture_work(*stream, std::move(operation.work));
  return enqueue_operation(*stream, std::move(operation));
}

cudaError_t enqueue_operation(CUstream_st& stream, Operation operation) {
  const cudaError_t error = wait_for_other_side(stream);
  if (error != cudaSuccess) return error;
  tsan::release(operation.tag.get());
  stream.queue.push_back(std::move(operation));
  return cudaSuccess;
}

cudaError_t run_until(const std::function<bool()>& condition) {
  if (!condition()) {
    const DeviceAccess access;
    do {
      const std::vector<CUstream_st*> streams = runnable_streams();
      if (streams.empty()) return report(cudaErrorLaunchFailure, "streams wait for each other for ever");
      step(*streams[choose(streams.size())]);
    } while (!condition());
  }
  return runtime().sticky;
}

cudaError_t run_stream(CUstream_st& stream) {
  const cudaError_t error = run_until([&stream] { return stream.queue.empty(); });
  tsan::acquire(&stream.tag);
  return error;
}

cudaError_t run_everything() {
  Runtime& state = runtime();
  const cudaError_t error = run_until([&state] {
    bool empty = state.legacy_stream.queue.empty();
    for (CUstream_st* const stream : state.streams) empty = empty && stream->queue.empty();
    return empty;
  });
  tsan::acquire(&state.legacy_stream.tag);
  for (CUstream_st* const stream : state.streams) tsan::acquire(&stream->tag);
  return error;
}

cudaError_t run_a_little() {
  const std::vector<CUstream_st*> streams = runnable_streams();
  if (!streams.empty()) {
    const DeviceAccess access;
    step(*streams[choose(streams.size())]);
  }
  return runtime().sticky;
}

}  // namespace senet::sim
