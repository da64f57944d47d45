#include "backends/cuda_sim/control.h"

#include <string>

#include "backends/cuda_sim/runtime/device_memory.h"
#include "backends/cuda_sim/runtime/diagnostics.h"
#include "backends/cuda_sim/runtime/runtime.h"
#include "backends/cuda_sim/runtime/traffic.h"
#include "backends/cuda_sim/simt/settings.h"

using senet::sim::device_memory;
using senet::sim::runtime;
using senet::sim::Schedule;
using senet::sim::settings;
using senet::sim::traffic;

using Lock = std::lock_guard<senet::sim::ReentrantMutex>;

extern "C" {

void sim_set_schedule(int schedule, uint64_t seed) {
  const Lock lock(runtime().mutex);
  settings().schedule = schedule == kSimReverse  ? Schedule::kReverse
                        : schedule == kSimRandom ? Schedule::kRandom
                                                 : Schedule::kForward;
  senet::sim::seed_random(seed);
}

void sim_set_fill(int byte) {
  const Lock lock(runtime().mutex);
  settings().fill = static_cast<unsigned char>(byte);
}

void sim_set_strict(int strict) {
  const Lock lock(runtime().mutex);
  settings().strict = strict != 0;
}

void sim_set_memory_limit(size_t bytes) {
  const Lock lock(runtime().mutex);
  settings().total_memory = bytes;
}

void sim_fail_allocation(uint64_t n) {
  const Lock lock(runtime().mutex);
  runtime().orders.allocation = n;
}

void sim_fail_launch(uint64_t n) {
  const Lock lock(runtime().mutex);
  runtime().orders.launch = n;
}

void sim_fail_call(const char* function, uint64_t n, int error) {
  const Lock lock(runtime().mutex);
  runtime().orders.function = function;
  runtime().orders.call = n;
  runtime().orders.error = error;
}

void sim_fail_operation(uint64_t n, int error) {
  const Lock lock(runtime().mutex);
  runtime().orders.operation = n;
  runtime().orders.operation_error = error;
}

size_t sim_pending_orders(void) {
  const Lock lock(runtime().mutex);
  const senet::sim::FaultOrders& orders = runtime().orders;
  size_t pending = 0;
  for (const uint64_t left : {orders.allocation, orders.launch, orders.call, orders.operation}) {
    pending += left > 0 ? 1 : 0;
  }
  return pending;
}

SimLive sim_live(void) {
  const Lock lock(runtime().mutex);
  return {
      .allocations = device_memory().live(),
      .bytes = device_memory().used_bytes(),
      .pinned = runtime().pinned.size(),
      .streams = runtime().streams.size(),
      .events = runtime().events.size(),
      .graphs = runtime().graphs.size() + runtime().executables.size(),
  };
}

size_t sim_live_count(void) {
  const SimLive live = sim_live();
  return live.allocations + live.pinned + live.streams + live.events + live.graphs;
}

size_t sim_peak_bytes(void) {
  const Lock lock(runtime().mutex);
  return device_memory().peak_bytes();
}

const char* sim_last_message(void) {
  static thread_local std::string text;
  text = senet::sim::last_diagnostic().message;
  return text.c_str();
}

SimTraffic sim_traffic(const char* kernel) {
  const Lock lock(runtime().mutex);
  return traffic().of(kernel);
}

SimTraffic sim_traffic_total(void) {
  const Lock lock(runtime().mutex);
  return traffic().total();
}

void sim_reset_traffic(void) {
  const Lock lock(runtime().mutex);
  traffic().reset();
}

void sim_reset(void) {
  const Lock lock(runtime().mutex);
  runtime().legacy_stream.queue.clear();
  for (CUstream_st* const stream : runtime().streams) {
    stream->queue.clear();
    stream->capture = nullptr;
    stream->captured_tail.clear();
  }
  runtime().captures.clear();
  runtime().sticky = cudaSuccess;
  runtime().orders = {};
  senet::sim::forget_diagnostic();
  senet::sim::last_error(true);
  traffic().reset();
  device_memory().reset_peak();
}
}
