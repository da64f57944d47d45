// The excitation and its gradient in double precision, as plain loops.
#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

#include "kernel_test.h"

namespace senet::cuda::test {

using Doubles = std::vector<double>;

inline double activate(Activation kind, double x) {
  if (kind == Activation::kSigmoid) return 1 / (1 + std::exp(-x));
  if (kind == Activation::kTanh) return std::tanh(x);
  if (kind == Activation::kSilu) return x / (1 + std::exp(-x));
  const double clipped = std::min(std::max(x + 3, 0.0), 6.0);
  if (kind == Activation::kHardSwish) return x * clipped / 6;
  if (kind == Activation::kHardSigmoid) return clipped / 6;
  if (kind == Activation::kRelu6) return std::min(std::max(x, 0.0), 6.0);
  return x < 0 ? 0 : x;
}

// From the value, or the argument of one that needs_argument.
inline double slope(Activation kind, double s) {
  if (kind == Activation::kSigmoid) return s * (1 - s);
  if (kind == Activation::kTanh) return 1 - s * s;
  if (kind == Activation::kHardSigmoid) return s > 0 && s < 1 ? 1.0 / 6 : 0;
  if (kind == Activation::kRelu6) return s > 0 && s < 6 ? 1 : 0;
  if (kind == Activation::kHardSwish) return s <= -3 ? 0 : (s >= 3 ? 1 : s / 3 + 0.5);
  if (kind == Activation::kSilu) return (1 + s * (1 - 1 / (1 + std::exp(-s)))) / (1 + std::exp(-s));
  return s > 0 ? 1 : 0;
}

struct ExcitationReference {
  Doubles hidden, s;
  void forward(const ExcitationSize& size, const ExcitationKind& kind, const Doubles& q, const Doubles& w1,
               const Doubles& b1, const Doubles& w2, const Doubles& b2) {
    const auto [images, channels, squeezed, inputs] = size;
    hidden.assign(images * squeezed, 0);
    s.assign(images * channels, 0);
    for (int64_t n = 0; n < images; ++n) {
      for (int64_t r = 0; r < squeezed; ++r) {
        double sum = b1.empty() ? 0 : b1[r];
        for (int64_t i = 0; i < inputs; ++i) sum += w1[r * inputs + i] * q[n * inputs + i];
        hidden[n * squeezed + r] = sum;
      }
      for (int64_t c = 0; c < channels; ++c) {
        double sum = b2.empty() ? 0 : b2[c];
        for (int64_t r = 0; r < squeezed; ++r) {
          sum += w2[c * squeezed + r] * activate(kind.hidden, hidden[n * squeezed + r]);
        }
        s[n * channels + c] = activate(kind.gate, sum);
      }
    }
  }

  Doubles dq, dw1, db1, dw2, db2;
  // From the given hidden and s, not those of forward().
  void backward(const ExcitationSize& size, const ExcitationKind& kind, const Doubles& ds, const Doubles& q,
                const Doubles& v, const Doubles& gates, const Doubles& w1, const Doubles& w2) {
    const auto [images, channels, squeezed, inputs] = size;
    dq.assign(images * inputs, 0);
    dw1.assign(squeezed * inputs, 0);
    db1.assign(squeezed, 0);
    dw2.assign(channels * squeezed, 0);
    db2.assign(channels, 0);
    for (int64_t n = 0; n < images; ++n) {
      Doubles dh(squeezed, 0);
      for (int64_t c = 0; c < channels; ++c) {
        const double du = ds[n * channels + c] * slope(kind.gate, gates[n * channels + c]);
        db2[c] += du;
        for (int64_t r = 0; r < squeezed; ++r) {
          dw2[c * squeezed + r] += du * activate(kind.hidden, v[n * squeezed + r]);
          dh[r] += du * w2[c * squeezed + r];
        }
      }
      for (int64_t r = 0; r < squeezed; ++r) {
        dh[r] *= slope(kind.hidden, v[n * squeezed + r]);
        db1[r] += dh[r];
        for (int64_t i = 0; i < inputs; ++i) {
          dw1[r * inputs + i] += dh[r] * q[n * inputs + i];
          dq[n * inputs + i] += dh[r] * w1[r * inputs + i];
        }
      }
    }
  }
};

}  // namespace senet::cuda::test
