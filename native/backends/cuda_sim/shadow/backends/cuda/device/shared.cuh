// Shared memory of a simulated block: takes the place of the file of this name in backends/cuda/device,
// because the simulator's build looks here first.
#pragma once

#include <cuda_runtime.h>

#include "backends/cuda_sim/language/shared_memory.h"

// The variable's address names the declaration. It is a static of the enclosing function, so every
// instantiation of a kernel template has its own.
#define SENET_SHARED(T, name, ...)                      \
  static const char name##_declaration_ = 0;            \
  T(&name)                                              \
  [__VA_ARGS__] = *reinterpret_cast<T(*)[__VA_ARGS__]>( \
      ::senet::sim::shared_array(&name##_declaration_, #name, sizeof(T[__VA_ARGS__]), alignof(T)))

#define SENET_DYNAMIC_SHARED(T, name) T* const name = static_cast<T*>(::senet::sim::dynamic_shared())
