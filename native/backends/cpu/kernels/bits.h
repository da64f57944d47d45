// The ReLU's memory: one bit per element of a map, in storage order (bit e & 7 of byte e >> 3 for element e).
#pragma once

#ifdef __AVX__
#include <immintrin.h>
#endif

#include <cstdint>

#include "backends/cpu/simd.h"

namespace senet::cpu {

// max(v, 0) that lets a NaN through.
inline Vec rectify(Vec v) {
  const Vec zero{};
  return zero > v ? zero : v;
}

// Bit l is set where lane l is positive.
inline int positive_bits(Vec v) {
  const VecInt positive = v > Vec{};
#ifdef __AVX__
  return _mm256_movemask_ps(reinterpret_cast<__m256>(positive));
#else
  int bits = 0;
  for (int l = 0; l < kLanes; ++l) bits |= (positive[l] & 1) << l;
  return bits;
#endif
}

// All ones in the lanes whose bit is set.
inline VecInt lanes_of_bits(int bits) {
  const VecInt bit = {1, 2, 4, 8, 16, 32, 64, 128};
  const VecInt all = {bits, bits, bits, bits, bits, bits, bits, bits};
  return (all & bit) != 0;
}

// v where the lane is set, else 0.
inline Vec keep(VecInt lanes, Vec v) {
  return reinterpret_cast<Vec>(reinterpret_cast<VecInt>(v) & lanes);
}

// The 8 bits from element e on, of a mask with `bytes` bytes.
inline int bits_at(const uint8_t* mask, int64_t e, int64_t bytes) {
  const int64_t low = e >> 3;
  const int shift = static_cast<int>(e & 7);
  const int high = low + 1 < bytes ? mask[low + 1] : 0;
  return ((mask[low] | high << 8) >> shift) & 255;
}

}  // namespace senet::cpu
