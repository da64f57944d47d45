// Vectors of V elements in memory as V floats in registers. V is kVectorWidth<T>, moved by one access of 16
// bytes, or 1. The address of a vector is a multiple of 16 bytes; is_vectorised() tells on the host whether all
// are. The compiler may split an ordinary assignment of 16 bytes into its elements again; it does not split
// __stwb(), a store with the usual caching.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>
#include <cstring>
#include <type_traits>

#include "backends/cuda/device/storage.cuh"

namespace senet::cuda {

// Elements in 16 bytes: 4 floats or 8 halves.
template <typename T>
inline constexpr int kVectorWidth = static_cast<int>(16 / sizeof(T));

template <typename T>
struct alignas(16) Vector16 {
  T at[kVectorWidth<T>];
};

template <int V, typename T>
__device__ inline void load(const T* p, float (&values)[V]) {
  if constexpr (V == 1) {
    values[0] = to_float(*p);
  } else {
    static_assert(V == kVectorWidth<T>);
    const uint4 bits = *reinterpret_cast<const uint4*>(p);
    Vector16<T> vector;
    memcpy(&vector, &bits, sizeof bits);
#pragma unroll
    for (int i = 0; i < V; ++i) values[i] = to_float(vector.at[i]);
  }
}

// Two values as 32 bits, the first in the low half.
template <typename T>
__device__ inline unsigned pack(float low, float high) {
  T both[2];
  from_float(low, both[0]);
  from_float(high, both[1]);
  unsigned bits;
  memcpy(&bits, both, sizeof bits);
  return bits;
}

template <int V, typename T>
__device__ inline void store(T* p, const float (&values)[V]) {
  if constexpr (V == 1) {
    from_float(values[0], *p);
  } else if constexpr (std::is_same_v<T, float>) {
    __stwb(reinterpret_cast<float4*>(p), make_float4(values[0], values[1], values[2], values[3]));
  } else {
    static_assert(V == 8);
    const uint4 bits = make_uint4(pack<T>(values[0], values[1]), pack<T>(values[2], values[3]),
                                  pack<T>(values[4], values[5]), pack<T>(values[6], values[7]));
    __stwb(reinterpret_cast<uint4*>(p), bits);
  }
}

// V floats beside each other, such as the parameters of a vector's channels: 1, 4 or 8.
template <int V>
__device__ inline void load_floats(const float* p, float (&values)[V]) {
  if constexpr (V == 1) {
    values[0] = *p;
  } else {
#pragma unroll
    for (int i = 0; i < V; i += 4) {
      const float4 four = *reinterpret_cast<const float4*>(p + i);
      values[i] = four.x;
      values[i + 1] = four.y;
      values[i + 2] = four.z;
      values[i + 3] = four.w;
    }
  }
}

template <int V>
__device__ inline void store_floats(float* p, const float (&values)[V]) {
  if constexpr (V == 1) {
    *p = values[0];
  } else {
#pragma unroll
    for (int i = 0; i < V; i += 4) {
      __stwb(reinterpret_cast<float4*>(p + i),
             make_float4(values[i], values[i + 1], values[i + 2], values[i + 3]));
    }
  }
}

// Whether all pointers are multiples of 16 bytes; null is one.
template <typename... Pointers>
bool is_aligned(const Pointers*... pointers) {
  return ((reinterpret_cast<uintptr_t>(pointers) % 16 == 0) && ...);
}

// Whether vectors of T divide each row of `channels` elements, with rows starting at these pointers.
template <typename T, typename... Pointers>
bool is_vectorised(int64_t channels, const Pointers*... pointers) {
  return channels % kVectorWidth<T> == 0 && is_aligned(pointers...);
}

}  // namespace senet::cuda
