// Simulated device: what a .cu file sees when the host compiler builds it. Functions of the device are
// ordinary inline functions; the executor in backends/cuda_sim/simt runs them, a thread of a block at a time.
//
// __shared__ stays undefined on purpose: kernels declare shared memory with the macros of
// backends/cuda/device/shared.cuh, so that the simulator can fill and fence it.
#pragma once

#include "cuda_runtime_api.h"
#include "vector_functions.h"

#define __global__
#define __device__
#define __host__
#define __constant__ static
#define __grid_constant__
#define __forceinline__ inline __attribute__((always_inline))
#define __launch_bounds__(...)
#define __align__(n) __attribute__((aligned(n)))

#include "backends/cuda_sim/language/atomics.h"
#include "backends/cuda_sim/language/indices.h"
#include "backends/cuda_sim/language/launch.h"
#include "backends/cuda_sim/language/math.h"
#include "backends/cuda_sim/language/memory.h"
#include "backends/cuda_sim/language/synchronisation.h"
#include "backends/cuda_sim/language/warp.h"

// The typed forms that the real header adds to the C functions.
template <typename T>
cudaError_t cudaMalloc(T** pointer, size_t bytes) {
  return cudaMalloc(reinterpret_cast<void**>(pointer), bytes);
}

template <typename T>
cudaError_t cudaMallocAsync(T** pointer, size_t bytes, cudaStream_t stream) {
  return cudaMallocAsync(reinterpret_cast<void**>(pointer), bytes, stream);
}

template <typename T>
cudaError_t cudaMallocHost(T** pointer, size_t bytes, unsigned int flags = 0) {
  return cudaHostAlloc(reinterpret_cast<void**>(pointer), bytes, flags);
}

template <typename T>
cudaError_t cudaFuncSetAttribute(T* function, enum cudaFuncAttribute attribute, int value) {
  return cudaFuncSetAttribute(reinterpret_cast<const void*>(function), attribute, value);
}

template <typename T>
cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessor(int* blocks, T* function, int block_size,
                                                          size_t dynamic_shared) {
  return cudaOccupancyMaxActiveBlocksPerMultiprocessor(blocks, reinterpret_cast<const void*>(function),
                                                       block_size, dynamic_shared);
}

// Queues a kernel on a stream, with its arguments copied, as the real one does.
template <typename... Parameters, typename... Arguments>
cudaError_t cudaLaunchKernelEx(const cudaLaunchConfig_t* config, void (*kernel)(Parameters...),
                               Arguments&&... arguments) {
  return senet::sim::launch_kernel(
      *config, reinterpret_cast<const void*>(kernel),
      senet::sim::bind_kernel(kernel, static_cast<Parameters>(std::forward<Arguments>(arguments))...));
}
