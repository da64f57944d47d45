// Allocation: limits, orders to fail, counts of what is alive, and work queued by host code.
#include <cuda_runtime.h>

#include "backends/cuda/launch.cuh"
#include "backends/cuda_sim/control.h"
#include "backends/cuda_sim/device_access.h"
#include "device.h"

namespace {

using namespace senet::sim_test;

__global__ void nothing_kernel(float*) {}

SIM_CASE(memory_runs_out) {
  sim_set_memory_limit(size_t{1} << 20);
  size_t free, total;
  check(cudaMemGetInfo(&free, &total));
  expect(free == size_t{1} << 20 && total == free, "all is free");
  float* half;
  check(cudaMalloc(&half, 512 << 10));
  float* rest = nullptr;
  expect_error(cudaMalloc(&rest, (512 << 10) + 1), cudaErrorMemoryAllocation, "more than is left");
  expect(rest == nullptr, "no address");
  expect_error(cudaGetLastError(), cudaErrorMemoryAllocation, "the last error");
  check(cudaMalloc(&rest, 512 << 10));
  check(cudaMemGetInfo(&free, &total));
  expect(free == 0, "none is free");
  check(cudaFree(half));
  check(cudaFree(rest));
  expect(sim_peak_bytes() >= size_t{1} << 20, "peak");
  sim_set_memory_limit(size_t{4} << 30);
}

SIM_CASE(stream_ordered_allocation_waits_for_frees) {
  sim_set_memory_limit(size_t{1} << 20);
  const Stream stream;
  for (int round = 0; round < 5; ++round) {
    float* memory;
    check(cudaMallocAsync(&memory, 1 << 20, stream));
    check(cudaMemsetAsync(memory, 0, 1 << 20, stream));
    check(cudaFreeAsync(memory, stream));
  }
  stream.wait();
  sim_set_memory_limit(size_t{4} << 30);
}

SIM_CASE(orders_to_fail) {
  const Stream stream;
  const DeviceArray<float> y(16);
  const auto launch = [&] {
    senet::cuda::launch("nothing_kernel", nothing_kernel, dim3(1), dim3(1), 0, stream, y);
  };
  void* memory;
  sim_fail_allocation(2);
  check(cudaMalloc(&memory, 16));
  check(cudaFree(memory));
  expect_error(cudaMalloc(&memory, 16), cudaErrorMemoryAllocation, "the second allocation");
  check(cudaMalloc(&memory, 16));
  check(cudaFree(memory));

  sim_fail_launch(1);
  bool refused = false;
  try {
    launch();
  } catch (const senet::Error& error) {
    refused =
        std::string(error.what()).find("nothing_kernel: cudaErrorLaunchOutOfResources") != std::string::npos;
  }
  expect(refused, "launch() throws, naming kernel and error");
  launch();
  stream.wait();

  sim_fail_call("cudaEventCreateWithFlags", 1, cudaErrorUnknown);
  cudaEvent_t event;
  expect_error(cudaEventCreateWithFlags(&event, 0), cudaErrorUnknown, "a call by name");
  cudaGetLastError();
}

SIM_CASE(what_is_alive_is_counted) {
  expect(sim_live_count() == 0, "nothing at first");
  {
    const Stream stream;
    const Event event;
    const DeviceArray<float> a(1), b(1000);
    const PinnedArray<float> pinned(1);
    const SimLive live = sim_live();
    expect(live.allocations == 2 && live.bytes == 256 + 4096, "memory");
    expect(live.pinned == 1 && live.streams == 1 && live.events == 1 && live.graphs == 0, "the rest");
    cudaPointerAttributes attributes;
    check(cudaPointerGetAttributes(&attributes, b + 999));
    expect(attributes.type == cudaMemoryTypeDevice, "a device address");
    check(cudaPointerGetAttributes(&attributes, pinned));
    expect(attributes.type == cudaMemoryTypeHost, "a pinned address");
    check(cudaPointerGetAttributes(&attributes, &live));
    expect(attributes.type == cudaMemoryTypeUnregistered, "an address of the host");
  }
  expect(sim_live_count() == 0, "nothing in the end");
  int number;
  expect_error(cudaFreeHost(&number), cudaErrorInvalidValue, "what was never pinned");
  cudaGetLastError();
}

SIM_CASE(many_allocations) {
  std::vector<float*> all(2000);
  for (float*& memory : all) check(cudaMalloc(&memory, 1000));
  check(cudaMemset(all[1234], 0, 1000));
  check(cudaDeviceSynchronize());
  for (float* const memory : all) check(cudaFree(memory));
}

SIM_CASE(the_device_describes_itself) {
  int count, value;
  check(cudaGetDeviceCount(&count));
  cudaDeviceProp properties;
  check(cudaGetDeviceProperties(&properties, 0));
  check(cudaDeviceGetAttribute(&value, cudaDevAttrMultiProcessorCount, 0));
  expect(count == 1 && value == properties.multiProcessorCount && properties.warpSize == 32, "device");
  check(cudaRuntimeGetVersion(&value));
  expect(value == CUDART_VERSION, "version");
  check(cudaOccupancyMaxActiveBlocksPerMultiprocessor(&value, nothing_kernel, 256, 100 << 10));
  expect(value == 2, "blocks of a multiprocessor");
  expect(std::string(cudaGetErrorName(cudaErrorNotReady)) == "cudaErrorNotReady", "name of an error");
}

SIM_CASE(work_of_host_code_in_a_stream) {
  const Stream stream;
  const DeviceArray<float> x(counting(8)), y(8);
  const auto doubled = [&x, &y] {
    for (int i = 0; i < 8; ++i) y[i] = 2 * x[i];
    return cudaSuccess;
  };
  sim_reset_traffic();
  check(senet::sim::enqueue_device_work(stream, "doubled", {{x, 32}}, {{y, 32}}, doubled));
  expect(y.read(stream)[7] == 16, "result");
  const SimTraffic traffic = sim_traffic("doubled");
  expect(traffic.launches == 1 && traffic.bytes_read == 32 && traffic.bytes_written == 32, "traffic");

  check(cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal));
  check(senet::sim::enqueue_device_work(stream, "doubled", {{x, 32}}, {{y, 32}}, doubled));
  cudaGraph_t graph;
  check(cudaStreamEndCapture(stream, &graph));
  check(cudaGraphDestroy(graph));

  expect_error(senet::sim::enqueue_device_work(stream, "doubled", {{x, 36}}, {{y, 32}}, doubled),
               cudaErrorIllegalAddress, "a range that is too long");
  expect(senet::sim::in_device_memory({x + 8, 0}) && !senet::sim::in_device_memory({x + 8, 1}), "the end");

  float* freed;
  check(cudaMalloc(&freed, 32));
  check(cudaMemsetAsync(freed, 0, 32, stream));
  check(cudaFreeAsync(freed, stream));
  check(senet::sim::enqueue_device_work(stream, "doubled", {{freed, 32}}, {{y, 32}}, doubled));
  expect_error(cudaStreamSynchronize(stream), cudaErrorIllegalAddress, "memory freed before the work");
  sim_reset();
}

}  // namespace
