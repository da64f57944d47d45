// The 16-bit types against definitions written another way, for all their values; and the functions on
// integers.
#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include <cmath>
#include <cstdint>
#include <random>

#include "case.h"

namespace {

using namespace senet::sim_test;

// An IEEE format, by its numbers of bits.
struct Format {
  int exponent_bits;
  int mantissa_bits;
};
constexpr Format kHalf{5, 10};
constexpr Format kBfloat16{8, 7};

// What 16 bits mean.
double value_of(Format format, uint32_t bits) {
  const int bias = (1 << (format.exponent_bits - 1)) - 1;
  const int exponent = static_cast<int>(bits >> format.mantissa_bits) & ((1 << format.exponent_bits) - 1);
  const int mantissa = static_cast<int>(bits & ((1u << format.mantissa_bits) - 1));
  const double sign = (bits & 0x8000u) != 0 ? -1 : 1;
  if (exponent == (1 << format.exponent_bits) - 1) return mantissa == 0 ? sign * INFINITY : NAN;
  const int implicit = exponent == 0 ? 0 : 1 << format.mantissa_bits;
  return sign * std::ldexp(mantissa + implicit, (exponent == 0 ? 1 : exponent) - bias - format.mantissa_bits);
}

// As if the largest exponent were an ordinary one: where infinity stands when it comes to rounding.
double value_of_next(Format format, uint32_t magnitude) {
  const double value = value_of(format, magnitude);
  return std::isinf(value) ? std::ldexp(1.0, 1 << (format.exponent_bits - 1)) : value;
}

template <typename T>
T from_bits(uint16_t bits);
template <>
__half from_bits<__half>(uint16_t bits) {
  return __ushort_as_half(bits);
}
template <>
__nv_bfloat16 from_bits<__nv_bfloat16>(uint16_t bits) {
  return __ushort_as_bfloat16(bits);
}
uint16_t to_bits(__half value) {
  return __half_as_ushort(value);
}
uint16_t to_bits(__nv_bfloat16 value) {
  return __bfloat16_as_ushort(value);
}

template <typename T>
void check_all_values(Format format) {
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    const double wanted = value_of(format, bits);
    const T value = from_bits<T>(static_cast<uint16_t>(bits));
    const float got = static_cast<float>(value);
    const std::string where = "value " + std::to_string(bits);
    if (std::isnan(wanted)) {
      expect(std::isnan(got) && to_bits(T(got)) == 0x7fff && __hisnan(value), where);
      continue;
    }
    expect(static_cast<double>(got) == wanted && std::signbit(got) == std::signbit(wanted), where);
    expect(to_bits(T(got)) == bits, where + " and back");
  }
}

// Between two neighbours: the middle goes to the even one, what lies next to it to the nearer one.
template <typename T>
void check_rounding(Format format) {
  const uint32_t infinity = ((1u << format.exponent_bits) - 1) << format.mantissa_bits;
  for (uint32_t low = 0; low < infinity; ++low) {
    const uint32_t high = low + 1;
    const float middle = static_cast<float>((value_of_next(format, low) + value_of_next(format, high)) / 2);
    const float below = std::nextafter(middle, 0.0f);
    const float above = std::nextafter(middle, INFINITY);
    for (const uint32_t sign : {0u, 0x8000u}) {
      const float factor = sign != 0 ? -1.0f : 1.0f;
      const std::string where = "above value " + std::to_string(low);
      expect(to_bits(T(factor * below)) == (low | sign), where + ", below the middle");
      expect(to_bits(T(factor * middle)) == ((low % 2 == 0 ? low : high) | sign), where + ", the middle");
      expect(to_bits(T(factor * above)) == (high | sign), where + ", above the middle");
    }
  }
}

SIM_CASE(half_conversions_of_all_values) {
  check_all_values<__half>(kHalf);
  check_rounding<__half>(kHalf);
}

SIM_CASE(bfloat16_conversions_of_all_values) {
  check_all_values<__nv_bfloat16>(kBfloat16);
  check_rounding<__nv_bfloat16>(kBfloat16);
}

// Rounds an exact multiple of 2^-48 to a half, by whole numbers alone.
uint16_t half_of_multiple(__int128 multiple) {
  const uint32_t sign = multiple < 0 ? 0x8000u : 0u;
  const auto magnitude = static_cast<unsigned __int128>(multiple < 0 ? -multiple : multiple);
  int step = 24;  // log2 of the spacing in units of 2^-48; a half is a multiple of 2^-24
  while (magnitude >> (step + 11) != 0) ++step;
  auto quotient = static_cast<uint32_t>(magnitude >> step);
  const unsigned __int128 rest = magnitude - (static_cast<unsigned __int128>(quotient) << step);
  const unsigned __int128 middle = static_cast<unsigned __int128>(1) << (step - 1);
  if (rest > middle || (rest == middle && quotient % 2 == 1)) ++quotient;
  const double value = std::ldexp(quotient, step - 48);
  if (value >= 65536) return static_cast<uint16_t>(sign | 0x7c00u);
  return static_cast<uint16_t>(sign | __half_as_ushort(__half(static_cast<float>(value))));
}

__int128 units(__half value, int scale) {
  return static_cast<__int128>(std::ldexp(static_cast<double>(value), scale));
}

SIM_CASE(half_arithmetic_rounds_once) {
  std::mt19937 random(7);
  std::uniform_int_distribution<unsigned> any(0, 0xffff);
  int tried = 0;
  while (tried < 300000) {
    const __half a = __ushort_as_half(static_cast<unsigned short>(any(random)));
    const __half b = __ushort_as_half(static_cast<unsigned short>(any(random)));
    const __half c = __ushort_as_half(static_cast<unsigned short>(any(random)));
    if (!std::isfinite(float(a)) || !std::isfinite(float(b)) || !std::isfinite(float(c))) continue;
    ++tried;
    const __int128 product = units(a, 24) * units(b, 24);
    const std::string where =
        std::to_string(float(a)) + ", " + std::to_string(float(b)) + ", " + std::to_string(float(c));
    const auto same = [&](__half got, __int128 wanted) {
      return wanted == 0 ? float(got) == 0 : __half_as_ushort(got) == half_of_multiple(wanted);
    };
    expect(same(__hfma(a, b, c), product + units(c, 48)), "fma of " + where);
    expect(same(a * b, product), "product of " + where);
    expect(same(a + b, units(a, 48) + units(b, 48)), "sum of " + where);
    expect(same(a - b, units(a, 48) - units(b, 48)), "difference of " + where);
  }
}

SIM_CASE(pairs_of_small_floats) {
  const __half2 h = __floats2half2_rn(1.5f, -2.0f);
  const float2 f = __half22float2(__hfma2(h, h, __float2half2_rn(1.0f)));
  expect(f.x == 3.25f && f.y == 5.0f, "half2");
  expect(__low2float(h) == 1.5f && __high2float(h) == -2.0f, "halves of half2");
  const __nv_bfloat162 b = __floats2bfloat162_rn(1.5f, -2.0f);
  const float2 g = __bfloat1622float2(b * b);
  expect(g.x == 2.25f && g.y == 4.0f, "bfloat162");
  expect(sizeof(__half2) == 4 && alignof(__half2) == 4 && sizeof(__nv_bfloat16) == 2, "sizes");
  expect(alignof(float4) == 16 && alignof(uint2) == 8 && alignof(float3) == 4 && sizeof(float3) == 12,
         "vectors");
}

SIM_CASE(functions_on_integers) {
  expect(__popc(0xf0f0u) == 8 && __ffs(8) == 4 && __ffs(0) == 0, "popc, ffs");
  expect(__clz(1) == 31 && __clz(0) == 32 && __clz(-1) == 0, "clz");
  expect(__umulhi(0x80000000u, 6u) == 3 && __mulhi(-1, 1) == -1, "mulhi");
  expect(__brev(1u) == 0x80000000u && __funnelshift_l(0x80000000u, 1u, 1) == 3, "brev, funnelshift");
  expect(min(3, -1) == -1 && max(3u, 7u) == 7 && min(1.0f, NAN) == 1.0f, "min, max");
  expect(__float_as_uint(1.0f) == 0x3f800000u && __saturatef(NAN) == 0 && __saturatef(2) == 1,
         "bits, saturate");
}

}  // namespace
