// Reading and writing eight neighbouring floats, or the fewer ones at the end of a row.
#pragma once

#ifdef __AVX__
#include <immintrin.h>
#endif

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "backends/cpu/simd.h"

namespace senet::cpu {

struct WholeVec {
  static Vec get(const float* p) { return load(p); }
  static void put(float* p, Vec v) { store(p, v); }
  // Without fetching the line from memory first. p must be a multiple of 32 bytes; wait_for_stores() when
  // done.
  static void put_around_cache(float* p, Vec v) {
#ifdef __AVX__
    _mm256_stream_ps(p, reinterpret_cast<__m256>(v));
#else
    store(p, v);
#endif
  }
  static int bits(int mask) {
    return mask;
  }
};
struct PartVec {
  size_t count;
  Vec get(const float* p) const {
    Vec v{};
    std::memcpy(&v, p, count * sizeof(float));
    return v;
  }
  void put(float* p, Vec v) const { std::memcpy(p, &v, count * sizeof(float)); }
  void put_around_cache(float* p, Vec v) const { put(p, v); }
  int bits(int mask) const { return mask & ((1 << count) - 1); }
};

// Makes put_around_cache() of this thread visible to the others.
inline void wait_for_stores() {
#ifdef __AVX__
  _mm_sfence();
#endif
}

// body(access, i) for the vectors of [0, count).
template <typename Body>
void for_vectors(int64_t count, const Body& body) {
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) body(WholeVec(), i);
  if (i < count) body(PartVec{static_cast<size_t>(count - i)}, i);
}

}  // namespace senet::cpu
