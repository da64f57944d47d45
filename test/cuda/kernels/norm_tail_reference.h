// A tail's parameters on host and device, and the plain ops that norm_tail is defined by, in double
// precision.
#pragma once

#include "excitation_reference.h"

namespace senet::cuda::test {

struct NormValues {
  Values<float> gamma, beta, mean, variance;
  NormValues(int64_t channels, Random& random)
      : gamma(random_values<float>(channels, random, 0.5, 1.5)),
        beta(random_values<float>(channels, random)),
        mean(random_values<float>(channels, random)),
        variance(random_values<float>(channels, random, 0.5, 2)) {}
};

// Parameters of a tail and where they are on the device.
struct TailCase {
  TailKind kind;
  bool bias;
  NormValues norm, norm2;
  Values<float> w1, b1, w2, b2;
  DeviceArray<float> gamma, beta, mean, variance, gamma2, beta2, mean2, variance2, w1_, b1_, w2_, b2_;

  TailCase(const TailKind& tail, bool with_bias, Random& random)
      : kind(tail),
        bias(with_bias),
        norm(tail.size.channels, random),
        norm2(tail.size.channels, random),
        w1(random_values<float>(tail.squeezed * tail.size.channels, random)),
        b1(random_values<float>(tail.squeezed, random)),
        w2(random_values<float>(tail.squeezed * tail.size.channels, random)),
        b2(random_values<float>(tail.size.channels, random)),
        gamma(norm.gamma.stored),
        beta(norm.beta.stored),
        mean(norm.mean.stored),
        variance(norm.variance.stored),
        gamma2(norm2.gamma.stored),
        beta2(norm2.beta.stored),
        mean2(norm2.mean.stored),
        variance2(norm2.variance.stored),
        w1_(w1.stored),
        b1_(b1.stored),
        w2_(w2.stored),
        b2_(b2.stored) {
    if (!bias) b1.exact.clear();
    if (!bias) b2.exact.clear();
  }

  bool excites() const { return kind.squeezed > 0; }
  bool projected() const { return kind.shortcut == Shortcut::kProjected; }
  int64_t gates() const { return kind.size.images * kind.size.channels; }
  ExcitationSize excitation() const {
    return {kind.size.images, kind.size.channels, kind.squeezed, kind.size.channels};
  }
  NormParameters parameters() const { return {gamma, beta, mean, variance}; }
  NormParameters parameters2() const {
    if (!projected()) return {};
    return {gamma2, beta2, mean2, variance2};
  }
  ExcitationWeights weights() const {
    if (!excites()) return {};
    return {w1_, bias ? b1_.data() : nullptr, w2_, bias ? b2_.data() : nullptr};
  }
  void describe(const std::string& storage) const {
    const auto [n, p, c] = kind.size;
    in_case(storage, n, p, c, "shortcut", static_cast<int>(kind.shortcut), "relu", kind.relu, "training",
            kind.training, "R", kind.squeezed, "gate", static_cast<int>(kind.gates.gate), "hidden",
            static_cast<int>(kind.gates.hidden), "bias", bias);
  }
};

struct Statistics {
  Doubles mean, variance;
};

inline Statistics batch_statistics(const MapSize& size, const Doubles& x) {
  const int64_t rows = size.images * size.positions, channels = size.channels;
  Statistics out = {Doubles(channels, 0), Doubles(channels, 0)};
  for (int64_t i = 0; i < rows * channels; ++i) out.mean[i % channels] += x[i] / static_cast<double>(rows);
  for (int64_t i = 0; i < rows * channels; ++i) {
    const double d = x[i] - out.mean[i % channels];
    out.variance[i % channels] += d * d / static_cast<double>(rows);
  }
  return out;
}

// Mean over positions: [N,C].
inline Doubles pooled(const MapSize& size, const Doubles& x) {
  Doubles means(size.images * size.channels, 0);
  for (int64_t i = 0; i < size.elements(); ++i) {
    means[i / (size.positions * size.channels) * size.channels + i % size.channels] +=
        x[i] / static_cast<double>(size.positions);
  }
  return means;
}

inline int64_t gate_index(const MapSize& size, int64_t i) {
  return i / (size.positions * size.channels) * size.channels + i % size.channels;
}

// What a convolution would sum along: x - shift and its square over the positions of an image.
struct SummedAlong {
  DeviceArray<float> deviations, squares;

  SummedAlong(const MapSize& size, const Doubles& x, const Doubles& shift)
      : deviations(summed(size, x, shift, false)), squares(summed(size, x, shift, true)) {}
  ShiftedSums sums() const { return {deviations, squares}; }

 private:
  static std::vector<float> summed(const MapSize& size, const Doubles& x, const Doubles& shift, bool square) {
    Doubles sums(size.images * size.channels, 0);
    for (int64_t i = 0; i < size.elements(); ++i) {
      const double d = x[i] - shift[i % size.channels];
      sums[gate_index(size, i)] += square ? d * d : d;
    }
    return {sums.begin(), sums.end()};
  }
};

inline Doubles normalise(const MapSize& size, const Doubles& x, const NormValues& norm, const Statistics& s,
                         double eps) {
  Doubles z(x.size());
  for (size_t i = 0; i < x.size(); ++i) {
    const size_t c = i % static_cast<size_t>(size.channels);
    z[i] = norm.gamma.exact[c] * (x[i] - s.mean[c]) / std::sqrt(s.variance[c] + eps) + norm.beta.exact[c];
  }
  return z;
}

struct NormGradient {
  Doubles dx, dgamma, dbeta;
};

// Of a batch norm alone.
inline NormGradient norm_gradient(const MapSize& size, const Doubles& dz, const Doubles& x,
                                  const NormValues& norm, const Statistics& s, double eps, bool training) {
  const int64_t channels = size.channels;
  const double all = static_cast<double>(size.images * size.positions);
  NormGradient out = {Doubles(x.size()), Doubles(channels, 0), Doubles(channels, 0)};
  const auto normal = [&](size_t i) {
    const size_t c = i % static_cast<size_t>(channels);
    return (x[i] - s.mean[c]) / std::sqrt(s.variance[c] + eps);
  };
  for (size_t i = 0; i < x.size(); ++i) {
    out.dbeta[i % channels] += dz[i];
    out.dgamma[i % channels] += dz[i] * normal(i);
  }
  for (size_t i = 0; i < x.size(); ++i) {
    const size_t c = i % static_cast<size_t>(channels);
    const double centred = training ? dz[i] - out.dbeta[c] / all - normal(i) * out.dgamma[c] / all : dz[i];
    out.dx[i] = norm.gamma.exact[c] / std::sqrt(s.variance[c] + eps) * centred;
  }
  return out;
}

inline double root(int64_t count) {
  return std::sqrt(static_cast<double>(count));
}

}  // namespace senet::cuda::test
