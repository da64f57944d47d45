// The only way kernels are started: launch("squeeze_forward_kernel", squeeze_forward_kernel<T>, grid, block,
// ...). Arguments are converted to the types of the kernel's parameters, as in an ordinary call.
#pragma once

#include <cuda_runtime.h>

#include <cstddef>
#include <string>
#include <utility>

#include "core/error.h"

namespace senet::cuda {

// Name of the kernel this thread is starting, for tools that watch launches; null between launches.
inline thread_local const char* launching_kernel = nullptr;

// Throws Error(kInternal) naming the kernel if `status` is a failure.
inline void check_launch(const char* name, cudaError_t status) {
  if (status == cudaSuccess) return;
  throw Error(ErrorCode::kInternal, std::string("kernel ") + name + ": " + cudaGetErrorName(status) + ": " +
                                        cudaGetErrorString(status));
}

// Starts a kernel on a stream; throws Error naming the kernel when the launch is refused. What goes wrong
// while the kernel runs shows at a later synchronising call.
template <typename... P, typename... A>
void launch(const char* name, void (*kernel)(P...), dim3 grid, dim3 block, size_t shared_bytes,
            cudaStream_t stream, A&&... args) {
  static_assert(sizeof...(P) == sizeof...(A), "launch: one argument for each parameter of the kernel");
  cudaLaunchConfig_t config{};
  config.gridDim = grid;
  config.blockDim = block;
  config.dynamicSmemBytes = shared_bytes;
  config.stream = stream;
  launching_kernel = name;
  const cudaError_t status = cudaLaunchKernelEx(&config, kernel, static_cast<P>(std::forward<A>(args))...);
  launching_kernel = nullptr;
  check_launch(name, status);
}

}  // namespace senet::cuda
