// The excitation and its gradient in double precision, as plain loops.
#pragma once

#include <cmath>
#include <vector>

#include "kernel_test.h"

namespace senet::cuda::test {

using Doubles = std::vector<double>;

inline double activate(Activation kind, double x) {
  if (kind == Activation::kSigmoid) return 1 / (1 + std::exp(-x));
  if (kind == Activation::kTanh) return std::tanh(x);
  return x < 0 ? 0 : x;
}

inline double slope(Activation kind, double s) {
  if (kind == Activation::kSigmoid) return s * (1 - s);
  if (kind == Activation::kTanh) return 1 - s * s;
  return s > 0 ? 1 : 0;
}

struct ExcitationReference {
  Doubles hidden, s;
  void forward(const ExcitationSize& size, Activation gate, const Doubles& q, const Doubles& w1,
               const Doubles& b1, const Doubles& w2, const Doubles& b2) {
    const auto [images, channels, squeezed, inputs] = size;
    hidden.assign(images * squeezed, 0);
    s.assign(images * channels, 0);
    for (int64_t n = 0; n < images; ++n) {
      for (int64_t r = 0; r < squeezed; ++r) {
        double sum = b1.empty() ? 0 : b1[r];
        for (int64_t i = 0; i < inputs; ++i) sum += w1[r * inputs + i] * q[n * inputs + i];
        hidden[n * squeezed + r] = activate(Activation::kRelu, sum);
      }
      for (int64_t c = 0; c < channels; ++c) {
        double sum = b2.empty() ? 0 : b2[c];
        for (int64_t r = 0; r < squeezed; ++r) sum += w2[c * squeezed + r] * hidden[n * squeezed + r];
        s[n * channels + c] = activate(gate, sum);
      }
    }
  }

  Doubles dq, dw1, db1, dw2, db2;
  // From the given hidden and s, not those of forward().
  void backward(const ExcitationSize& size, Activation gate, const Doubles& ds, const Doubles& q,
                const Doubles& h, const Doubles& gates, const Doubles& w1, const Doubles& w2) {
    const auto [images, channels, squeezed, inputs] = size;
    dq.assign(images * inputs, 0);
    dw1.assign(squeezed * inputs, 0);
    db1.assign(squeezed, 0);
    dw2.assign(channels * squeezed, 0);
    db2.assign(channels, 0);
    for (int64_t n = 0; n < images; ++n) {
      Doubles dh(squeezed, 0);
      for (int64_t c = 0; c < channels; ++c) {
        const double du = ds[n * channels + c] * slope(gate, gates[n * channels + c]);
        db2[c] += du;
        for (int64_t r = 0; r < squeezed; ++r) {
          dw2[c * squeezed + r] += du * h[n * squeezed + r];
          dh[r] += du * w2[c * squeezed + r];
        }
      }
      for (int64_t r = 0; r < squeezed; ++r) {
        if (!(h[n * squeezed + r] > 0)) continue;
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
