// The activations of eight floats, and what a gradient becomes on its way back through one.
#pragma once

#include <cstdint>
#include <type_traits>

#include "backends/cpu/kernels/bits.h"
#include "backends/cpu/ops/vector_math.h"

namespace senet::cpu {

enum class Activation : uint8_t { kRelu, kSigmoid, kTanh, kSilu, kHardSwish, kHardSigmoid, kRelu6 };

// Whether the slope follows from the argument alone; for the others it follows from the value.
constexpr bool needs_argument(Activation kind) {
  return kind == Activation::kSilu || kind == Activation::kHardSwish;
}

// x where it lies in [0, 6], else the nearer end; a NaN stays one.
inline Vec clip6(Vec x) {
  const Vec six = broadcast(6.0f);
  x = rectify(x);
  return x > six ? six : x;
}

template <Activation kKind>
[[gnu::always_inline]] inline Vec activate(Vec x) {
  using enum Activation;
  const Vec three = broadcast(3.0f), sixth = broadcast(1.0f / 6.0f);
  if constexpr (kKind == kSigmoid) return sigmoid(x);
  if constexpr (kKind == kTanh) return tanh(x);
  if constexpr (kKind == kSilu) return x * sigmoid(x);
  if constexpr (kKind == kHardSwish) return x * (clip6(x + three) * sixth);
  if constexpr (kKind == kHardSigmoid) return clip6(x + three) * sixth;
  if constexpr (kKind == kRelu6) return clip6(x);
  return rectify(x);
}

// dy times the slope where the activation's value is `saved`, or where its argument is, if it needs_argument.
// Exactly 0 where the activation is flat, whatever dy is.
template <Activation kKind>
[[gnu::always_inline]] inline Vec times_slope(Vec dy, Vec saved) {
  using enum Activation;
  const Vec one = broadcast(1.0f), zero{};
  if constexpr (kKind == kSigmoid) return dy * saved * (one - saved);
  if constexpr (kKind == kTanh) return dy * (one - saved * saved);
  if constexpr (kKind == kSilu) {
    const Vec s = sigmoid(saved);
    return dy * (s * (one + saved * (one - s)));
  }
  if constexpr (kKind == kHardSwish) {
    const Vec bent = dy * (saved * broadcast(1.0f / 3.0f) + broadcast(0.5f));
    return saved <= broadcast(-3.0f) ? zero : (saved >= broadcast(3.0f) ? dy : bent);
  }
  if constexpr (kKind == kHardSigmoid) {
    return keep((saved > zero) & (saved < one), dy * broadcast(1.0f / 6.0f));
  }
  if constexpr (kKind == kRelu6) return keep((saved > zero) & (saved < broadcast(6.0f)), dy);
  return keep(saved > zero, dy);
}

template <Activation kKind>
using ActivationTag = std::integral_constant<Activation, kKind>;

// function(ActivationTag<kind>()) with an activation chosen at run time.
template <typename Function>
decltype(auto) with_activation(Activation kind, const Function& function) {
  switch (kind) {
    case Activation::kSigmoid:
      return function(ActivationTag<Activation::kSigmoid>());
    case Activation::kTanh:
      return function(ActivationTag<Activation::kTanh>());
    case Activation::kSilu:
      return function(ActivationTag<Activation::kSilu>());
    case Activation::kHardSwish:
      return function(ActivationTag<Activation::kHardSwish>());
    case Activation::kHardSigmoid:
      return function(ActivationTag<Activation::kHardSigmoid>());
    case Activation::kRelu6:
      return function(ActivationTag<Activation::kRelu6>());
    case Activation::kRelu:
      break;
  }
  return function(ActivationTag<Activation::kRelu>());
}

}  // namespace senet::cpu
