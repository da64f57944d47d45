// Exponential functions of eight floats, to about two units in the last place. NaN in, NaN out.
#pragma once

#include "backends/cpu/simd.h"

namespace senet::cpu {

typedef uint32_t VecUint __attribute__((vector_size(32)));

// exp(r) by Cephes' polynomial, |r| <= ln(2)/2.
inline Vec exp_near_zero(Vec r) {
  Vec p = broadcast(1.9875691500e-4f);
  p = p * r + broadcast(1.3981999507e-3f);
  p = p * r + broadcast(8.3334519073e-3f);
  p = p * r + broadcast(4.1665795894e-2f);
  p = p * r + broadcast(1.6666665459e-1f);
  p = p * r + broadcast(5.0000001201e-1f);
  return p * (r * r) + r + broadcast(1.0f);
}

// exp(x) = 2^n * exp(r). 2^n is applied in two halves, so that results below the normal range come out right as well.
inline Vec exp(Vec x) {
  const Vec lowest = broadcast(-104.0f), highest = broadcast(89.0f);
  x = x < lowest ? lowest : x;
  x = x > highest ? highest : x;
  // Adding 1.5 * 2^23 rounds to an integer and leaves it in the low bits.
  const Vec shifted = x * broadcast(1.44269504088896341f) + broadcast(12582912.0f);
  const Vec n = shifted - broadcast(12582912.0f);
  const Vec r = (x - n * broadcast(0.693359375f)) + n * broadcast(2.12194440e-4f);
  const Vec p = exp_near_zero(r);
  const VecInt exponent = reinterpret_cast<VecInt>(reinterpret_cast<VecUint>(shifted) - 0x4B400000u);
  const VecInt half = exponent >> 1;
  const VecUint low = (reinterpret_cast<VecUint>(half) + 127u) << 23;
  const VecUint high = (reinterpret_cast<VecUint>(exponent) - reinterpret_cast<VecUint>(half) + 127u) << 23;
  return p * reinterpret_cast<Vec>(low) * reinterpret_cast<Vec>(high);
}

inline Vec absolute(Vec x) {
  return reinterpret_cast<Vec>(reinterpret_cast<VecUint>(x) & 0x7FFFFFFFu);
}

// exp(-|x|), not below the normal range, in fewer instructions than exp: 2^n is added to the exponent. A NaN's last
// bits come through the shift as zeros.
inline Vec exp_of_minus_absolute(Vec x) {
  const Vec highest = broadcast(87.0f);
  x = absolute(x);
  x = highest < x ? highest : x;
  const Vec shifted = broadcast(12582912.0f) - x * broadcast(1.44269504088896341f);
  const Vec n = shifted - broadcast(12582912.0f);
  const Vec p = exp_near_zero((-x - n * broadcast(0.693359375f)) + n * broadcast(2.12194440e-4f));
  return reinterpret_cast<Vec>(reinterpret_cast<VecUint>(p) + (reinterpret_cast<VecUint>(shifted) << 23));
}

// 1 / (1 + exp(-x)), from exp(-|x|), which cannot overflow.
inline Vec sigmoid(Vec x) {
  const Vec one = broadcast(1.0f);
  const Vec e = exp_of_minus_absolute(x);
  return (x < 0 ? e : one) / (one + e);
}

// Cephes: an odd polynomial near 0, where 1 - 2 / (exp(2x) + 1) would cancel, and that formula elsewhere.
inline Vec tanh(Vec x) {
  const Vec one = broadcast(1.0f);
  const Vec z = x * x;
  Vec p = broadcast(-5.70498872745e-3f);
  p = p * z + broadcast(2.06390887954e-2f);
  p = p * z + broadcast(-5.37397155531e-2f);
  p = p * z + broadcast(1.33314422036e-1f);
  p = p * z + broadcast(-3.33332819422e-1f);
  const Vec near = p * z * x + x;
  const Vec far = one - broadcast(2.0f) / (exp(x + x) + one);
  return absolute(x) < broadcast(0.625f) ? near : far;
}

}  // namespace senet::cpu
