// Eight floats at a time, by the compiler's vector extension: one source for every instruction set.
#pragma once

#include <cstdint>
#include <cstring>

namespace senet::cpu {

inline constexpr int64_t kLanes = 8;
typedef float Vec __attribute__((vector_size(32)));
typedef int32_t VecInt __attribute__((vector_size(32)));

inline Vec load(const float* p) {
  Vec v;
  std::memcpy(&v, p, sizeof v);
  return v;
}
inline void store(float* p, Vec v) {
  std::memcpy(p, &v, sizeof v);
}
inline Vec broadcast(float x) {
  return Vec{x, x, x, x, x, x, x, x};
}
// Keeps the compiler from reading v anew for each of its uses.
inline Vec in_register(Vec v) {
#ifdef __AVX__
  asm("" : "+x"(v));
#endif
  return v;
}
inline Vec max(Vec a, Vec b) {
  return a > b ? a : b;
}
// All ones in the lanes that hold a NaN.
inline VecInt is_nan(Vec v) {
  return v != v;  // NOLINT(misc-redundant-expression)
}
// Sum of the lanes in a fixed order.
inline float horizontal_sum(Vec v) {
  return ((v[0] + v[4]) + (v[2] + v[6])) + ((v[1] + v[5]) + (v[3] + v[7]));
}

}  // namespace senet::cpu
