// Host code with a mistake, around right kernels. simulator.test.ts says what finds out about each.
#include "backends/cuda/launch.cuh"
#include "device.h"

namespace {

using namespace senet::sim_test;

__global__ void copy_kernel(const float* x, float* y) {
  y[threadIdx.x] = x[threadIdx.x];
}

__global__ void set_kernel(float* y, float value) {
  y[threadIdx.x] = value;
}

struct Arrays {
  const float* x;
  float* y;
  int count;
};
__global__ void copy_arrays_kernel(Arrays arrays) {
  arrays.y[threadIdx.x] = arrays.x[threadIdx.x];
}

constexpr unsigned kCount = 64;

struct Copy {
  Copy() : input(counting(kCount)), output(kCount) {}

  void start(const float* from, float* to) const {
    senet::cuda::launch("copy_kernel", copy_kernel, dim3(1), dim3(kCount), 0, stream, from, to);
  }
  void verify(const std::vector<float>& got) const {
    expect(got == counting(kCount), "not the values copied");
  }

  Stream stream;
  DeviceArray<float> input;
  DeviceArray<float> output;
};

SIM_CASE(broken_host_pointer_as_argument) {
  const Copy copy;
  const std::vector<float> host = counting(kCount);
  copy.start(host.data(), copy.output);
  copy.verify(copy.output.read(copy.stream));
}

SIM_CASE(broken_host_pointer_in_structure) {
  const Copy copy;
  const std::vector<float> host = counting(kCount);
  senet::cuda::launch("copy_arrays_kernel", copy_arrays_kernel, dim3(1), dim3(kCount), 0, copy.stream,
                      Arrays{host.data(), copy.output, kCount});
  copy.verify(copy.output.read(copy.stream));
}

SIM_CASE(broken_host_reads_device_memory) {
  const Copy copy;
  expect(static_cast<const volatile float*>(static_cast<float*>(copy.input))[0] == 1, "first value");
}

SIM_CASE(broken_use_after_free) {
  const Copy copy;
  float* freed;
  check(cudaMalloc(&freed, kCount * sizeof(float)));
  check(cudaFree(freed));
  copy.start(freed, copy.output);
  copy.verify(copy.output.read(copy.stream));
}

SIM_CASE(broken_free_twice) {
  float* memory;
  check(cudaMalloc(&memory, 4));
  check(cudaFree(memory));
  check(cudaFree(memory));
}

SIM_CASE(broken_no_wait_before_host_reads) {
  const Copy copy;
  const PinnedArray<float> result(kCount);
  copy.start(copy.input, copy.output);
  check(cudaMemcpyAsync(result, copy.output, result.bytes(), cudaMemcpyDeviceToHost, copy.stream));
  copy.verify(std::vector<float>(result + 0, result + kCount));
}

SIM_CASE(broken_no_wait_between_streams) {
  const Copy copy;
  const Stream second;
  const DeviceArray<float> middle(std::vector<float>(kCount, 0));
  copy.start(copy.input, middle);
  senet::cuda::launch("copy_kernel", copy_kernel, dim3(1), dim3(kCount), 0, second, middle, copy.output);
  copy.verify(copy.output.read(second));
  copy.stream.wait();
}

SIM_CASE(broken_pinned_source_reused_early) {
  const Copy copy;
  const PinnedArray<float> source(kCount);
  for (unsigned i = 0; i < kCount; ++i) source[i] = static_cast<float>(i + 1);
  check(cudaMemcpyAsync(copy.output, source, source.bytes(), cudaMemcpyHostToDevice, copy.stream));
  for (unsigned i = 0; i < kCount; ++i) source[i] = 0;
  copy.verify(copy.output.read(copy.stream));
}

SIM_CASE(broken_wrong_copy_direction) {
  const Copy copy;
  const std::vector<float> host = counting(kCount);
  check(cudaMemcpyAsync(copy.output, host.data(), copy.output.bytes(), cudaMemcpyDeviceToHost, copy.stream));
}

SIM_CASE(broken_copy_larger_than_allocation) {
  const Copy copy;
  std::vector<float> host(kCount + 1);
  check(
      cudaMemcpyAsync(host.data(), copy.input, copy.input.bytes() + 4, cudaMemcpyDeviceToHost, copy.stream));
}

SIM_CASE(broken_allocation_in_capture) {
  const Stream stream;
  check(cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal));
  float* memory;
  const cudaError_t error = cudaMalloc(&memory, 4);
  cudaGraph_t graph;
  cudaStreamEndCapture(stream, &graph);
  check(error);
}

// The graph keeps the address of memory that is freed before the second launch.
SIM_CASE(broken_graph_outlives_memory) {
  const Stream stream;
  float* memory;
  check(cudaMalloc(&memory, kCount * sizeof(float)));
  check(cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal));
  senet::cuda::launch("set_kernel", set_kernel, dim3(1), dim3(kCount), 0, stream, memory, 1.0f);
  cudaGraph_t graph;
  cudaGraphExec_t executable;
  check(cudaStreamEndCapture(stream, &graph));
  check(cudaGraphInstantiate(&executable, graph, 0));
  check(cudaGraphLaunch(executable, stream));
  stream.wait();
  check(cudaFree(memory));
  check(cudaGraphLaunch(executable, stream));
  stream.wait();
}

}  // namespace
