// The timing of plans. They run on buffers of their own, never on live data: most plans write.
#include <algorithm>
#include <memory>
#include <vector>

#include "backends/cuda/dnn_cudnn_planner.h"

namespace senet::cuda {

namespace {

constexpr int kWarmUps = 2;
constexpr int kRuns = 8;

struct FreeDevice {
  void operator()(void* address) const { cudaFree(address); }
};
using DeviceBuffer = std::unique_ptr<void, FreeDevice>;

DeviceBuffer zeroed_buffer(size_t bytes, cudaStream_t stream) {
  if (bytes == 0) return nullptr;
  void* address = nullptr;
  check_cuda(cudaMalloc(&address, bytes), "cudaMalloc");
  DeviceBuffer buffer(address);
  check_cuda(cudaMemsetAsync(address, 0, bytes, stream), "cudaMemsetAsync");
  return buffer;
}

class Event {
 public:
  Event() { check_cuda(cudaEventCreateWithFlags(&event_, cudaEventDefault), "cudaEventCreateWithFlags"); }
  ~Event() { cudaEventDestroy(event_); }
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
  void record(cudaStream_t stream) { check_cuda(cudaEventRecord(event_, stream), "cudaEventRecord"); }
  float since(const Event& start) const {
    float milliseconds = 0.0f;
    check_cuda(cudaEventSynchronize(event_), "cudaEventSynchronize");
    check_cuda(cudaEventElapsedTime(&milliseconds, start.event_, event_), "cudaEventElapsedTime");
    return milliseconds;
  }

 private:
  cudaEvent_t event_ = nullptr;
};

// Milliseconds of a run, from several.
double time_of(const Plan::State& plan, const Descriptor& pack) {
  const cudaStream_t stream = plan.library->stream();
  for (int i = 0; i < kWarmUps; ++i) plan.execute(pack);
  Event start, stop;
  start.record(stream);
  for (int i = 0; i < kRuns; ++i) plan.execute(pack);
  stop.record(stream);
  return static_cast<double>(stop.since(start)) / kRuns;
}

}  // namespace

std::vector<double> times_of(const std::vector<std::shared_ptr<const Plan::State>>& plans) {
  const OperationGraph& graph = *plans.front()->graph;
  const cudaStream_t stream = plans.front()->library->stream();
  size_t workspace_bytes = 0;
  for (const auto& plan : plans) workspace_bytes = std::max(workspace_bytes, plan->workspace_bytes);
  std::vector<DeviceBuffer> buffers;
  std::vector<const void*> addresses;
  for (const auto& operand : graph.operands()) {
    buffers.push_back(zeroed_buffer(operand.bytes, stream));
    addresses.push_back(buffers.back().get());
  }
  const DeviceBuffer workspace = zeroed_buffer(workspace_bytes, stream);
  const Descriptor pack = make_variant_pack(graph, addresses, workspace.get());

  std::vector<double> times;
  for (const auto& plan : plans) times.push_back(time_of(*plan, pack));
  check_cuda(cudaStreamSynchronize(stream), "cudaStreamSynchronize");
  return times;
}

}  // namespace senet::cuda
