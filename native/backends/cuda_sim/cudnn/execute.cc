// Executing a plan: the checks of the variant pack, then the work in the handle's stream.
#include <cstring>
#include <map>
#include <string>

#include "backends/cuda_sim/cudnn/compute.h"
#include "backends/cuda_sim/cudnn/record.h"
#include "backends/cuda_sim/device_access.h"

namespace senet::sim {

namespace {

bool overlap(const DeviceRange& a, const DeviceRange& b) {
  const auto* first = static_cast<const char*>(a.data);
  const auto* second = static_cast<const char*>(b.data);
  return first < second + b.bytes && second < first + a.bytes;
}

// The memory that an execution touches.
struct Accesses {
  std::map<int64_t, void*> addresses;
  std::vector<DeviceRange> reads, writes;
};

Accesses checked_accesses(const CudnnGraph& graph, const CudnnRecord& pack) {
  const auto ids = pack.values<int64_t>(CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS);
  const auto pointers = pack.values<void*>(CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS);
  Accesses accesses;
  for (size_t i = 0; i < ids.size(); ++i) accesses.addresses.emplace(ids[i], pointers[i]);
  for (const CudnnTensor& tensor : graph.operands()) {
    const std::string which = "tensor " + std::to_string(tensor.id);
    const auto found = accesses.addresses.find(tensor.id);
    if (found == accesses.addresses.end() || found->second == nullptr) {
      throw CudnnFault{CUDNN_STATUS_BAD_PARAM_NULL_POINTER, which + " has no address"};
    }
    if (reinterpret_cast<uintptr_t>(found->second) % static_cast<uintptr_t>(tensor.alignment) != 0) {
      throw CudnnFault{CUDNN_STATUS_BAD_PARAM_MISALIGNED_POINTER,
                       which + " is less aligned than it was declared"};
    }
    const DeviceRange range{found->second, tensor.bytes()};
    if (!in_device_memory(range)) {
      throw CudnnFault{CUDNN_STATUS_BAD_PARAM, which + " is not inside one live allocation of the device"};
    }
    (graph.writes(tensor.id) ? accesses.writes : accesses.reads).push_back(range);
  }
  return accesses;
}

// The workspace is written last, so that it overlaps nothing, nor do results and inputs overlap each other.
void check_overlaps(const Accesses& accesses) {
  for (size_t i = 0; i < accesses.writes.size(); ++i) {
    for (const DeviceRange& read : accesses.reads) {
      if (overlap(accesses.writes[i], read))
        throw CudnnFault{CUDNN_STATUS_BAD_PARAM, "a result overlaps an input"};
    }
    for (size_t j = 0; j < i; ++j) {
      if (overlap(accesses.writes[i], accesses.writes[j])) {
        throw CudnnFault{CUDNN_STATUS_BAD_PARAM, "two results, or a result and the workspace, overlap"};
      }
    }
  }
}

}  // namespace

void execute_plan(cudnnHandle_t handle, const CudnnRecord& plan, const CudnnRecord& pack) {
  require_handle(handle);
  if (plan.handle != handle) throw CudnnFault{CUDNN_STATUS_BAD_PARAM, "the plan is another handle's"};
  Accesses accesses = checked_accesses(*plan.graph, pack);
  const CudnnEngine* engine = plan.engines.front();
  void* workspace = pack.value<void*>(CUDNN_ATTR_VARIANT_PACK_WORKSPACE);
  const auto workspace_bytes = static_cast<size_t>(engine->workspace_bytes);
  if (workspace_bytes > 0) {
    const DeviceRange range{workspace, workspace_bytes};
    if (workspace == nullptr || !in_device_memory(range)) {
      throw CudnnFault{CUDNN_STATUS_BAD_PARAM_SIZE_INSUFFICIENT, "the workspace is missing or too small"};
    }
    accesses.writes.push_back(range);
  }
  check_overlaps(accesses);
  const auto work = [graph = plan.graph, engine, workspace, workspace_bytes, addresses = accesses.addresses] {
    static uint64_t run = 0;
    compute_graph(*graph, *engine, addresses, run++);
    if (workspace_bytes > 0) std::memset(workspace, 0xff, workspace_bytes);
    return cudaSuccess;
  };
  const cudaError_t error = enqueue_device_work(handle->stream, "cudnn:eng" + std::to_string(engine->index),
                                                accesses.reads, accesses.writes, work);
  if (error != cudaSuccess) throw CudnnFault{CUDNN_STATUS_EXECUTION_FAILED_CUDART, cudaGetErrorString(error)};
}

}  // namespace senet::sim
