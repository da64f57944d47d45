// Shared memory of a block. Kernels declare it only with these two macros, inside a __global__ or __device__ function.
#pragma once

#include <cuda_runtime.h>

// An array `T name[count]`; its contents start undefined. The size of all arrays of a block is at most 48 KB.
#define SENET_SHARED(T, name, ...) __shared__ T name[__VA_ARGS__]

// A pointer `T* name` to the dynamic shared memory, whose size the launch gives; aligned to 16 bytes. Every use in
// a kernel names the same memory.
#define SENET_DYNAMIC_SHARED(T, name)                                    \
  extern __shared__ __align__(16) unsigned char senet_dynamic_shared_[]; \
  T* const name = reinterpret_cast<T*>(senet_dynamic_shared_)
