// The 16-bit float types: storage, rounding to nearest even, and arithmetic through float. cuda_fp16.h and
// cuda_bf16.h give them their CUDA names.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>

#include "backends/cuda_sim/language/atomics.h"
#include "backends/cuda_sim/language/math.h"
#include "vector_types.h"

namespace senet::sim {

// IEEE binary16.
struct HalfFormat {
  static uint16_t narrow(float value) {
    const uint32_t bits = __float_as_uint(value);
    const uint16_t sign = static_cast<uint16_t>(bits >> 16 & 0x8000u);
    uint32_t magnitude = bits & 0x7fffffffu;
    if (magnitude > 0x7f800000u) return 0x7fff;  // any NaN becomes this one, as on the GPU
    if (magnitude >= 0x477ff000u)
      return static_cast<uint16_t>(sign | 0x7c00);  // 65520 and above round to infinity
    if (magnitude < 0x38800000u) {
      // Below 2^-14 the result is subnormal, in steps of 2^-24: the spacing of floats at 0.5, so adding does
      // the rounding.
      const uint32_t rounded = __float_as_uint(__uint_as_float(magnitude) + 0.5f) - __float_as_uint(0.5f);
      return static_cast<uint16_t>(sign | rounded);
    }
    magnitude += 0xfffu + (magnitude >> 13 & 1u);
    return static_cast<uint16_t>(sign | ((magnitude >> 13) - (112u << 10)));
  }

  static float widen(uint16_t bits) {
    const uint32_t sign = static_cast<uint32_t>(bits & 0x8000u) << 16;
    const uint32_t magnitude = static_cast<uint32_t>(bits & 0x7fffu) << 13;
    if ((bits & 0x7c00u) == 0x7c00u) return __uint_as_float(sign | 0x7f800000u | magnitude);
    return __uint_as_float(sign | __float_as_uint(__uint_as_float(magnitude) * 0x1p112f));
  }
};

// The upper half of a binary32.
struct Bfloat16Format {
  static uint16_t narrow(float value) {
    const uint32_t bits = __float_as_uint(value);
    if ((bits & 0x7fffffffu) > 0x7f800000u) return 0x7fff;
    return static_cast<uint16_t>((bits + 0x7fffu + (bits >> 16 & 1u)) >> 16);
  }

  static float widen(uint16_t bits) { return __uint_as_float(static_cast<uint32_t>(bits) << 16); }
};

// Sums, products, quotients and roots of two such numbers may be rounded to float first: float has more than
// twice their bits, so the second rounding does no harm.
template <typename Format>
struct SmallFloat {
  SmallFloat() = default;
  SmallFloat(float value) : bits_(Format::narrow(value)) {}
  explicit operator bool() const { return (bits_ & 0x7fffu) != 0; }
  operator float() const { return Format::widen(bits_); }

  static SmallFloat from_bits(uint16_t bits) {
    SmallFloat value;
    value.bits_ = bits;
    return value;
  }
  uint16_t bits() const { return bits_; }

  SmallFloat operator-() const { return from_bits(static_cast<uint16_t>(bits_ ^ 0x8000u)); }
  SmallFloat operator+() const { return *this; }
  SmallFloat& operator+=(SmallFloat b) { return *this = *this + b; }
  SmallFloat& operator-=(SmallFloat b) { return *this = *this - b; }
  SmallFloat& operator*=(SmallFloat b) { return *this = *this * b; }
  SmallFloat& operator/=(SmallFloat b) { return *this = *this / b; }

  friend SmallFloat operator+(SmallFloat a, SmallFloat b) { return float(a) + float(b); }
  friend SmallFloat operator-(SmallFloat a, SmallFloat b) { return float(a) - float(b); }
  friend SmallFloat operator*(SmallFloat a, SmallFloat b) { return float(a) * float(b); }
  friend SmallFloat operator/(SmallFloat a, SmallFloat b) { return float(a) / float(b); }
  friend bool operator==(SmallFloat a, SmallFloat b) { return float(a) == float(b); }
  friend bool operator!=(SmallFloat a, SmallFloat b) { return float(a) != float(b); }
  friend bool operator<(SmallFloat a, SmallFloat b) { return float(a) < float(b); }
  friend bool operator>(SmallFloat a, SmallFloat b) { return float(a) > float(b); }
  friend bool operator<=(SmallFloat a, SmallFloat b) { return float(a) <= float(b); }
  friend bool operator>=(SmallFloat a, SmallFloat b) { return float(a) >= float(b); }

 private:
  uint16_t bits_;
};

template <typename Format>
struct alignas(4) SmallFloat2 {
  SmallFloat<Format> x, y;

  friend SmallFloat2 operator+(SmallFloat2 a, SmallFloat2 b) { return {a.x + b.x, a.y + b.y}; }
  friend SmallFloat2 operator-(SmallFloat2 a, SmallFloat2 b) { return {a.x - b.x, a.y - b.y}; }
  friend SmallFloat2 operator*(SmallFloat2 a, SmallFloat2 b) { return {a.x * b.x, a.y * b.y}; }
  friend SmallFloat2 operator/(SmallFloat2 a, SmallFloat2 b) { return {a.x / b.x, a.y / b.y}; }
  friend SmallFloat2 operator-(SmallFloat2 a) { return {-a.x, -a.y}; }
};

// The neighbour of `value`, which was rounded from something `error` away, whose last bit is 1. Rounding such
// a number once more gives what rounding the exact number at once gives.
inline double round_to_odd(double value, double error) {
  uint64_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  if (error == 0 || (bits & 1) != 0) return value;
  bits += (error > 0) == (value > 0) ? 1 : -1;
  std::memcpy(&value, &bits, sizeof bits);
  return value;
}

// a * b + c for values of a 16-bit type, such that rounding the answer to that type is rounding the exact
// sum.
inline float multiply_add(float a, float b, float c) {
  const double product = static_cast<double>(a) * b;  // exact
  const double sum = product + c;
  if (!std::isfinite(sum) || sum == 0) return static_cast<float>(sum);
  const double part = sum - product;
  const double exact = round_to_odd(sum, (product - (sum - part)) + (c - part));
  const float near = static_cast<float>(exact);
  const uint32_t bits = __float_as_uint(near);
  if (static_cast<double>(near) == exact || (bits & 1) != 0 || !std::isfinite(near)) return near;
  return __uint_as_float(std::fabs(exact) > std::fabs(static_cast<double>(near)) ? bits + 1 : bits - 1);
}

}  // namespace senet::sim

// The functions below have the same names for both types.
using senet::sim::SmallFloat;
using senet::sim::SmallFloat2;

// clang-format off
template <typename F> SmallFloat<F> __hadd(SmallFloat<F> a, SmallFloat<F> b) { return a + b; }
template <typename F> SmallFloat<F> __hsub(SmallFloat<F> a, SmallFloat<F> b) { return a - b; }
template <typename F> SmallFloat<F> __hmul(SmallFloat<F> a, SmallFloat<F> b) { return a * b; }
template <typename F> SmallFloat<F> __hdiv(SmallFloat<F> a, SmallFloat<F> b) { return a / b; }
template <typename F> SmallFloat<F> __hneg(SmallFloat<F> a) { return -a; }
template <typename F> SmallFloat<F> __habs(SmallFloat<F> a) {
  return SmallFloat<F>::from_bits(a.bits() & 0x7fffu);
}
template <typename F> SmallFloat<F> __hmax(SmallFloat<F> a, SmallFloat<F> b) { return fmaxf(a, b); }
template <typename F> SmallFloat<F> __hmin(SmallFloat<F> a, SmallFloat<F> b) { return fminf(a, b); }
template <typename F> SmallFloat<F> __hfma(SmallFloat<F> a, SmallFloat<F> b, SmallFloat<F> c) {
  return senet::sim::multiply_add(a, b, c);
}
template <typename F> bool __heq(SmallFloat<F> a, SmallFloat<F> b) { return a == b; }
template <typename F> bool __hne(SmallFloat<F> a, SmallFloat<F> b) { return a < b || a > b; }
template <typename F> bool __hlt(SmallFloat<F> a, SmallFloat<F> b) { return a < b; }
template <typename F> bool __hle(SmallFloat<F> a, SmallFloat<F> b) { return a <= b; }
template <typename F> bool __hgt(SmallFloat<F> a, SmallFloat<F> b) { return a > b; }
template <typename F> bool __hge(SmallFloat<F> a, SmallFloat<F> b) { return a >= b; }
template <typename F> bool __hisnan(SmallFloat<F> a) { return std::isnan(float(a)); }
template <typename F> int __hisinf(SmallFloat<F> a) {
  return std::isinf(float(a)) ? (float(a) < 0 ? -1 : 1) : 0;
}
template <typename F> SmallFloat<F> hsqrt(SmallFloat<F> a) { return sqrtf(a); }
template <typename F> SmallFloat<F> hrsqrt(SmallFloat<F> a) { return rsqrtf(a); }
template <typename F> SmallFloat<F> hrcp(SmallFloat<F> a) { return 1.0f / float(a); }
template <typename F> SmallFloat<F> hexp(SmallFloat<F> a) { return expf(a); }

template <typename F> SmallFloat2<F> __hadd2(SmallFloat2<F> a, SmallFloat2<F> b) { return a + b; }
template <typename F> SmallFloat2<F> __hsub2(SmallFloat2<F> a, SmallFloat2<F> b) { return a - b; }
template <typename F> SmallFloat2<F> __hmul2(SmallFloat2<F> a, SmallFloat2<F> b) { return a * b; }
template <typename F> SmallFloat2<F> __h2div(SmallFloat2<F> a, SmallFloat2<F> b) { return a / b; }
template <typename F> SmallFloat2<F> __hneg2(SmallFloat2<F> a) { return -a; }
template <typename F> SmallFloat2<F> __habs2(SmallFloat2<F> a) { return {__habs(a.x), __habs(a.y)}; }
template <typename F> SmallFloat2<F> __hmax2(SmallFloat2<F> a, SmallFloat2<F> b) {
  return {__hmax(a.x, b.x), __hmax(a.y, b.y)};
}
template <typename F> SmallFloat2<F> __hmin2(SmallFloat2<F> a, SmallFloat2<F> b) {
  return {__hmin(a.x, b.x), __hmin(a.y, b.y)};
}
template <typename F> SmallFloat2<F> __hfma2(SmallFloat2<F> a, SmallFloat2<F> b, SmallFloat2<F> c) {
  return {__hfma(a.x, b.x, c.x), __hfma(a.y, b.y, c.y)};
}
// clang-format on

// Both halves at once; a GPU promises atomicity of each half only.
template <typename F>
SmallFloat2<F> atomicAdd(SmallFloat2<F>* address, SmallFloat2<F> value) {
  return senet::sim::atomic_update<SmallFloat2<F>, uint32_t>(
      address, [value](SmallFloat2<F> old) { return old + value; });
}
template <typename F>
SmallFloat<F> atomicAdd(SmallFloat<F>* address, SmallFloat<F> value) {
  return senet::sim::atomic_update<SmallFloat<F>, uint16_t>(
      address, [value](SmallFloat<F> old) { return old + value; });
}
