// Graphs: made by a capture, turned into an executable, launched into a stream.
#include <cuda_runtime_api.h>

#include <algorithm>

#include "backends/cuda_sim/runtime/diagnostics.h"
#include "backends/cuda_sim/runtime/runtime.h"

using senet::sim::api_call;
using senet::sim::CallKind;
using senet::sim::report;
using senet::sim::Runtime;

namespace senet::sim {

namespace {

cudaError_t launch_graph(Runtime& state, cudaGraphExec_t executable, cudaStream_t handle) {
  if (state.executables.count(executable) == 0) return cudaErrorInvalidResourceHandle;
  CUstream_st* const stream = find_stream(handle);
  if (stream == nullptr) return cudaErrorInvalidResourceHandle;
  if (stream->capture != nullptr) {
    return report(cudaErrorNotSupported,
                  "cudaGraphLaunch into a stream that is being captured is not simulated");
  }
  const std::shared_ptr<ExecutableGraph>& graph = executable->graph;
  const size_t count = graph->nodes.size();
  Operation operation;
  operation.graph =
      std::make_shared<GraphRun>(GraphRun{graph, ++graph->launched, std::vector<bool>(count), count});
  return enqueue_operation(*stream, std::move(operation));
}

}  // namespace

}  // namespace senet::sim

extern "C" {

// Tells the number of nodes only: the nodes themselves are not given out.
cudaError_t cudaGraphGetNodes(cudaGraph_t graph, cudaGraphNode_t* nodes, size_t* count) {
  return api_call("cudaGraphGetNodes", CallKind::kOrdinary, [&](Runtime& state) {
    if (state.graphs.count(graph) == 0) return cudaErrorInvalidResourceHandle;
    if (nodes != nullptr) return report(cudaErrorNotSupported, "cudaGraphGetNodes gives only the count");
    *count = graph->nodes.size();
    return cudaSuccess;
  });
}

cudaError_t cudaGraphInstantiate(cudaGraphExec_t* executable, cudaGraph_t graph, unsigned long long flags) {
  return api_call("cudaGraphInstantiate", CallKind::kOrdinary, [&](Runtime& state) {
    if (state.graphs.count(graph) == 0 || flags != 0) return cudaErrorInvalidValue;
    *executable = new CUgraphExec_st;
    (*executable)->graph->nodes = graph->nodes;
    state.executables.insert(*executable);
    return cudaSuccess;
  });
}

cudaError_t cudaGraphLaunch(cudaGraphExec_t executable, cudaStream_t stream) {
  return api_call("cudaGraphLaunch", CallKind::kOrdinary,
                  [&](Runtime& state) { return senet::sim::launch_graph(state, executable, stream); });
}

cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
  return api_call("cudaGraphDestroy", CallKind::kRelease, [&](Runtime& state) {
    if (state.graphs.erase(graph) == 0)
      return report(cudaErrorInvalidValue, "cudaGraphDestroy: not a live graph");
    delete graph;
    return cudaSuccess;
  });
}

// Launches that are still queued keep what they need.
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t executable) {
  return api_call("cudaGraphExecDestroy", CallKind::kRelease, [&](Runtime& state) {
    if (state.executables.erase(executable) == 0) {
      return report(cudaErrorInvalidValue, "cudaGraphExecDestroy: not a live executable graph");
    }
    delete executable;
    return cudaSuccess;
  });
}
}
