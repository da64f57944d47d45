#include "backends/cuda_sim/device_access.h"

#include <utility>

#include "backends/cuda_sim/runtime/device_memory.h"
#include "backends/cuda_sim/runtime/diagnostics.h"
#include "backends/cuda_sim/runtime/runtime.h"
#include "backends/cuda_sim/runtime/traffic.h"
#include "backends/cuda_sim/simt/sanitizers.h"
#include "backends/cuda_sim/simt/settings.h"

namespace senet::sim {

namespace {

// What the work touches, as it waits in the queue.
struct DeviceWork {
  std::string name;
  std::vector<DeviceRange> reads;
  std::vector<DeviceRange> writes;
  std::function<cudaError_t()> work;
};

cudaError_t check_ranges(const std::string& name, const std::vector<DeviceRange>& ranges,
                         const char* purpose) {
  for (size_t i = 0; i < ranges.size(); ++i) {
    if (ranges[i].bytes == 0 || device_memory().contains(ranges[i].data, ranges[i].bytes)) continue;
    return report(cudaErrorIllegalAddress,
                  "%s: range %zu that it %s, %zu bytes at %p, is not inside of one live allocation",
                  name.c_str(), i, purpose, ranges[i].bytes, ranges[i].data);
  }
  return cudaSuccess;
}

uint64_t sum_of(const std::vector<DeviceRange>& ranges) {
  uint64_t bytes = 0;
  for (const DeviceRange& range : ranges) bytes += range.bytes;
  return bytes;
}

cudaError_t check(const DeviceWork& work) {
  const cudaError_t error = check_ranges(work.name, work.reads, "reads");
  return error != cudaSuccess ? error : check_ranges(work.name, work.writes, "writes");
}

cudaError_t run(const DeviceWork& work) {
  const cudaError_t error = check(work);
  if (error != cudaSuccess) return error;
  {
    const tsan::Watched watched;
    for (const DeviceRange& range : work.reads) tsan::note_read(range.data, range.bytes);
    for (const DeviceRange& range : work.writes) tsan::note_write(range.data, range.bytes);
  }
  traffic().add(work.name, sum_of(work.reads), sum_of(work.writes));
  return settings().idle ? cudaSuccess : work.work();
}

}  // namespace

bool in_device_memory(DeviceRange range) {
  const std::lock_guard lock(runtime().mutex);
  return range.bytes == 0 || device_memory().contains(range.data, range.bytes);
}

cudaError_t enqueue_device_work(cudaStream_t stream, std::string name, std::vector<DeviceRange> reads,
                                std::vector<DeviceRange> writes, std::function<cudaError_t()> work) {
  const auto queued = std::make_shared<const DeviceWork>(
      DeviceWork{std::move(name), std::move(reads), std::move(writes), std::move(work)});
  return api_call("enqueue_device_work", CallKind::kOrdinary, [&](Runtime&) {
    const cudaError_t error = check(*queued);
    return error != cudaSuccess ? error : enqueue(stream, queued->name, [queued] { return run(*queued); });
  });
}

cudaError_t report_device_error(cudaError_t error, std::string message) {
  return report(error, "%s", message.c_str());
}

}  // namespace senet::sim
