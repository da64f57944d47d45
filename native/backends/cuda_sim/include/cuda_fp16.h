// Simulated device: __half, __half2 and the conversions that carry their names.
#pragma once

#include "backends/cuda_sim/language/small_float.h"
#include "cuda_runtime.h"

using __half = senet::sim::SmallFloat<senet::sim::HalfFormat>;
using __half2 = senet::sim::SmallFloat2<senet::sim::HalfFormat>;
using half = __half;
using half2 = __half2;

// clang-format off
inline __half __float2half(float a) { return a; }
inline __half __float2half_rn(float a) { return a; }
inline __half __int2half_rn(int a) { return static_cast<float>(a); }
inline float __half2float(__half a) { return a; }
inline __half __ushort_as_half(unsigned short bits) { return __half::from_bits(bits); }
inline unsigned short __half_as_ushort(__half a) { return a.bits(); }
inline __half __short_as_half(short bits) { return __half::from_bits(static_cast<unsigned short>(bits)); }
inline short __half_as_short(__half a) { return static_cast<short>(a.bits()); }

inline __half2 make_half2(__half x, __half y) { return {x, y}; }
inline __half2 __halves2half2(__half low, __half high) { return {low, high}; }
inline __half2 __half2half2(__half a) { return {a, a}; }
inline __half2 __float2half2_rn(float a) { return {a, a}; }
inline __half2 __floats2half2_rn(float low, float high) { return {low, high}; }
inline __half2 __float22half2_rn(float2 a) { return {a.x, a.y}; }
inline float2 __half22float2(__half2 a) { return {a.x, a.y}; }
inline __half __low2half(__half2 a) { return a.x; }
inline __half __high2half(__half2 a) { return a.y; }
inline __half2 __low2half2(__half2 a) { return {a.x, a.x}; }
inline __half2 __high2half2(__half2 a) { return {a.y, a.y}; }
inline __half2 __lowhigh2highlow(__half2 a) { return {a.y, a.x}; }
inline float __low2float(__half2 a) { return a.x; }
inline float __high2float(__half2 a) { return a.y; }
// clang-format on
