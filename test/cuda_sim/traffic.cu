// Bytes and launches per kernel. Bytes of kernels are there in the build mode "traffic" alone.
#include <cmath>

#include "backends/cuda/device/shared.cuh"
#include "backends/cuda/launch.cuh"
#include "backends/cuda_sim/control.h"
#include "device.h"

namespace {

using namespace senet::sim_test;

constexpr int kCount = 1 << 16;

__global__ void copy_kernel(const float4* __restrict__ x, float4* __restrict__ y, int count) {
  for (unsigned i = blockIdx.x * blockDim.x + threadIdx.x; i < static_cast<unsigned>(count);
       i += gridDim.x * blockDim.x) {
    y[i] = x[i];
  }
}

// Every thread reads the same eight values; what happens in shared memory does not count.
__global__ void scaled_kernel(const float* x, const float* factors, float* y) {
  SENET_SHARED(float, part, 256);
  const unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
  float factor = 1;
  for (int k = 0; k < 8; ++k) factor *= __ldg(factors + k);
  part[threadIdx.x] = x[i] * factor;
  __syncthreads();
  y[i] = part[255 - threadIdx.x];
}

__global__ void count_kernel(unsigned* counter) {
  atomicAdd(counter, 1u);
}

bool near(uint64_t got, double wanted) {
  return std::fabs(static_cast<double>(got) - wanted) <= 0.02 * wanted;
}

SIM_CASE(launches_are_counted) {
  sim_reset_traffic();
  const Stream stream;
  const DeviceArray<unsigned> counter(std::vector<unsigned>(1, 0));
  for (int i = 0; i < 3; ++i)
    senet::cuda::launch("count_kernel", count_kernel, dim3(2), dim3(32), 0, stream, counter);
  expect(counter.read(stream)[0] == 192, "counter");
  expect(sim_traffic("count_kernel").launches == 3, "launches");
  expect(sim_traffic("no_such_kernel").launches == 0, "another kernel");
  const SimTraffic copies = sim_traffic("cudaMemcpy");
  expect(copies.launches == 2 && copies.bytes_written == 4 && copies.bytes_read == 4, "copies");
  expect(sim_traffic_total().launches == 5, "sum");
}

SIM_CASE(traffic_of_kernels) {
  const Stream stream;
  const DeviceArray<float> x(counting(kCount)), y(kCount), factors(std::vector<float>(8, 1));
  const DeviceArray<unsigned> counter(std::vector<unsigned>(1, 0));
  sim_reset_traffic();
  senet::cuda::launch("copy_kernel", copy_kernel, dim3(7), dim3(256), 0, stream,
                      reinterpret_cast<float4*>(+x), reinterpret_cast<float4*>(+y), kCount / 4);
  senet::cuda::launch("scaled_kernel", scaled_kernel, dim3(kCount / 256), dim3(256), 0, stream, x, factors,
                      y);
  senet::cuda::launch("count_kernel", count_kernel, dim3(2), dim3(32), 0, stream, counter);
  stream.wait();
  constexpr double kBytes = kCount * sizeof(float);
  const SimTraffic copy = sim_traffic("copy_kernel");
  expect(near(copy.bytes_read, kBytes) && near(copy.bytes_written, kBytes),
         "copy: " + std::to_string(copy.bytes_read) + " read, " + std::to_string(copy.bytes_written) +
             " written");
  expect(near(copy.unique_read, kBytes) && near(copy.unique_written, kBytes), "copy: different bytes");
  const SimTraffic scaled = sim_traffic("scaled_kernel");
  expect(near(scaled.bytes_read, 9 * kBytes) && near(scaled.bytes_written, kBytes), "scaled");
  expect(near(scaled.unique_read, kBytes + 32), "scaled: different bytes");
  const SimTraffic counted = sim_traffic("count_kernel");
  expect(counted.bytes_read == 256 && counted.bytes_written == 256, "atomic operations");
}

}  // namespace
