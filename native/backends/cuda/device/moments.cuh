// Mean and variance of a set of numbers from those of its parts (Chan, Golub, LeVeque, "Updating formulae and
// a pairwise algorithm for computing sample variances", 1979). Nothing cancels, however far the mean is from
// zero.
#pragma once

#include <cuda_runtime.h>

namespace senet::cuda {

struct Moments {
  float count, mean, m2;  // m2: the sum of squared deviations from the mean
};

// Either may be empty: count and m2 0, mean finite.
__device__ inline Moments merge_moments(const Moments& a, const Moments& b) {
  const float count = a.count + b.count;
  const float share = count > 0.0f ? b.count / count : 0.0f;
  const float step = b.mean - a.mean;
  return {count, a.mean + step * share, a.m2 + b.m2 + step * step * (a.count * share)};
}

}  // namespace senet::cuda
