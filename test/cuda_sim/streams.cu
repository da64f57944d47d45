// Streams and events: what must be ordered is, and the calls answer as the real ones do.
#include "backends/cuda/launch.cuh"
#include "backends/cuda_sim/control.h"
#include "device.h"

namespace {

using namespace senet::sim_test;

constexpr unsigned kCount = 64;

__global__ void add_kernel(float* y, float value) {
  y[threadIdx.x] += value;
}
__global__ void fault_kernel(float* y) {
  *__ldg(&y) = __ldg(y + 1000000);
}

void add(cudaStream_t stream, float* y, float value) {
  senet::cuda::launch("add_kernel", add_kernel, dim3(1), dim3(kCount), 0, stream, y, value);
}

SIM_CASE(order_between_streams_by_event) {
  const DeviceArray<float> y(counting(kCount));
  for (int round = 0; round < 5; ++round) {
    const Stream first, second;
    const Event forth, back;
    add(first, y, 1);
    check(cudaEventRecord(forth, first));
    check(cudaStreamWaitEvent(second, forth, 0));
    add(second, y, 2);
    check(cudaEventRecord(back, second));
    check(cudaStreamWaitEvent(first, back, 0));
    add(first, y, 3);
    expect(y.read(first)[0] == 1 + 6.0f * (round + 1), "sum");
  }
}

SIM_CASE(events_answer_queries) {
  const Stream stream;
  const DeviceArray<float> y(counting(kCount));
  cudaEvent_t start, end;
  check(cudaEventCreate(&start));
  check(cudaEventCreate(&end));
  expect_error(cudaEventQuery(start), cudaSuccess, "an event that was never recorded");
  check(cudaEventRecord(start, stream));
  for (int i = 0; i < 10; ++i) add(stream, y, 1);
  check(cudaEventRecord(end, stream));
  expect_error(cudaEventQuery(end), cudaErrorNotReady, "before the work");
  float milliseconds;
  expect_error(cudaEventElapsedTime(&milliseconds, start, end), cudaErrorNotReady, "time before the work");
  int queries = 0;
  while (cudaEventQuery(end) == cudaErrorNotReady) expect(++queries < 100, "the queries go on for ever");
  check(cudaEventSynchronize(end));
  check(cudaEventElapsedTime(&milliseconds, start, end));
  expect(milliseconds >= 0, "time");
  expect_error(cudaStreamQuery(stream), cudaSuccess, "after the work");
  check(cudaEventDestroy(start));
  check(cudaEventDestroy(end));
}

SIM_CASE(legacy_stream_waits_for_blocking_streams) {
  cudaStream_t blocking;
  check(cudaStreamCreate(&blocking));
  const DeviceArray<float> y(counting(kCount));
  add(blocking, y, 1);
  std::vector<float> host(kCount);
  check(cudaMemcpy(host.data(), y, y.bytes(), cudaMemcpyDeviceToHost));
  expect(host[0] == 2, "the blocking stream came first");
  check(cudaMemset(y, 0, y.bytes()));
  add(blocking, y, 5);
  expect(y.read(blocking)[0] == 5, "the legacy stream came first");
  check(cudaStreamDestroy(blocking));
}

SIM_CASE(host_functions_run_in_order) {
  const Stream stream;
  const DeviceArray<float> y(counting(kCount));
  struct Seen {
    int calls = 0;
    cudaError_t inner = cudaSuccess;
  } seen;
  add(stream, y, 1);
  check(cudaLaunchHostFunc(
      stream,
      [](void* data) {
        auto* const seen = static_cast<Seen*>(data);
        ++seen->calls;
        seen->inner = cudaDeviceSynchronize();
      },
      &seen));
  expect(seen.calls == 0, "not before somebody waits");
  stream.wait();
  expect(seen.calls == 1, "once");
  expect_error(seen.inner, cudaErrorNotPermitted, "a call from inside of an operation");
}

SIM_CASE(pageable_memory_is_read_at_the_call) {
  const Stream stream;
  const DeviceArray<float> y(kCount);
  std::vector<float> host = counting(kCount);
  check(cudaMemcpyAsync(y, host.data(), y.bytes(), cudaMemcpyHostToDevice, stream));
  host.assign(kCount, 0);
  check(cudaMemcpyAsync(host.data(), y, y.bytes(), cudaMemcpyDefault, stream));
  expect(host == counting(kCount), "written before the call returned");
}

SIM_CASE(a_fault_stays) {
  const Stream stream;
  float* y;
  check(cudaMalloc(&y, 256));
  senet::cuda::launch("fault_kernel", fault_kernel, dim3(1), dim3(1), 0, stream, y);
  expect_error(cudaStreamSynchronize(stream), cudaErrorIllegalAddress, "where it happens");
  expect(std::string(sim_last_message()).find("fault_kernel") != std::string::npos,
         "the message names the kernel");
  expect(std::string(sim_last_message()).find("streams.cu:") != std::string::npos,
         "the message names the place");
  expect_error(cudaGetLastError(), cudaErrorIllegalAddress, "cudaGetLastError");
  expect_error(cudaPeekAtLastError(), cudaErrorIllegalAddress, "it is not forgotten");
  expect_error(cudaMemsetAsync(y, 0, 4, stream), cudaErrorIllegalAddress, "later calls");
  expect_error(cudaFree(y), cudaErrorIllegalAddress, "what is freed says so too");
  expect(sim_live().allocations == 0, "but it is freed");
  sim_reset();
  check(cudaStreamSynchronize(stream));
}

SIM_CASE(an_operation_fails_by_order_and_that_stays) {
  const Stream stream;
  const DeviceArray<float> y(counting(kCount));
  sim_fail_operation(2, cudaErrorLaunchFailure);
  add(stream, y, 1);
  check(cudaStreamSynchronize(stream));
  add(stream, y, 1);
  expect_error(cudaStreamSynchronize(stream), cudaErrorLaunchFailure, "where it runs");
  expect(std::string(sim_last_message()) == "add_kernel failed by order of the test", "it names the kernel");
  expect_error(cudaStreamSynchronize(stream), cudaErrorLaunchFailure, "later calls");
  sim_reset();
  check(cudaGetLastError());
  expect(y.read(stream)[0] == 2, "it did nothing");
}

SIM_CASE(errors_of_calls_are_forgotten_when_told) {
  expect_error(cudaSetDevice(3), cudaErrorInvalidDevice, "a device that is not there");
  expect_error(cudaPeekAtLastError(), cudaErrorInvalidDevice, "peek");
  expect_error(cudaGetLastError(), cudaErrorInvalidDevice, "get");
  expect_error(cudaGetLastError(), cudaSuccess, "forgotten");
  expect_error(cudaStreamSynchronize(reinterpret_cast<cudaStream_t>(0x1000)), cudaErrorInvalidResourceHandle,
               "a stream");
  expect_error(cudaEventQuery(reinterpret_cast<cudaEvent_t>(0x1000)), cudaErrorInvalidResourceHandle,
               "an event");
  cudaGetLastError();
}

}  // namespace
