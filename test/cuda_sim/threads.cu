// Several threads of the host use the device at once, each with its own stream.
#include <atomic>
#include <thread>

#include "backends/cuda/device/shared.cuh"
#include "backends/cuda/launch.cuh"
#include "device.h"

namespace {

using namespace senet::sim_test;

__global__ void rotate_kernel(const float* x, float* y) {
  SENET_SHARED(float, part, 128);
  part[threadIdx.x] = x[threadIdx.x];
  __syncthreads();
  y[threadIdx.x] = part[(threadIdx.x + 1) % 128] + 1;
}

void rotate_often(int number) {
  const Stream stream;
  const std::vector<float> start(128, static_cast<float>(number));
  const DeviceArray<float> a(start), b(128);
  for (int round = 0; round < 20; ++round) {
    senet::cuda::launch("rotate_kernel", rotate_kernel, dim3(1), dim3(128), 0, stream, a, b);
    senet::cuda::launch("rotate_kernel", rotate_kernel, dim3(1), dim3(128), 0, stream, b, a);
    if (round % 5 == 0) stream.wait();
  }
  expect(a.read(stream)[64] == static_cast<float>(number + 40), "a thread's result");
}

SIM_CASE(threads_of_the_host) {
  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([i, &wrong] {
      try {
        rotate_often(100 * i);
      } catch (const std::exception&) {
        ++wrong;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  expect(wrong == 0, "threads with a wrong result: " + std::to_string(wrong));
}

SIM_CASE(last_error_belongs_to_the_thread) {
  expect_error(cudaSetDevice(9), cudaErrorInvalidDevice, "a device that is not there");
  cudaError_t other = cudaErrorUnknown;
  std::thread([&other] { other = cudaGetLastError(); }).join();
  expect_error(other, cudaSuccess, "another thread");
  expect_error(cudaGetLastError(), cudaErrorInvalidDevice, "this thread");
}

}  // namespace
