// Mean and variance of a map in one pass, and their small final stages.
//
// Each slab keeps, per lane, the mean m and the sum of squared deviations M2 of the n rows seen so far, and
// takes the next k <= n rows as deviations from m:
//   s1 = sum (x - m)    s2 = sum (x - m)^2    m' = m + s1/(n+k)    M2' = M2 + s2 - s1^2/(n+k)
// This is Chan's merge with the shift chosen well: as k <= n, s1^2/(n+k) <= s2/2, so nothing cancels, however
// far the mean is from zero. Lanes, segments and images are merged after that. float32, in a fixed order, the
// last stage in double.
#pragma once

#include "backends/cpu/kernels/slabs.h"

namespace senet::cpu {

// One batch norm's parameters, each [C]. mean and variance are the running ones, or in a gradient those the
// forward pass used.
struct NormParameters {
  const float* gamma = nullptr;
  const float* beta = nullptr;
  const float* mean = nullptr;
  const float* variance = nullptr;
};

// means, squares [plan.partials()]: mean and M2 of each (image, segment, channel). x in the plan's layout.
void partial_statistics(const SlabPlan& plan, const float* x, float* means, float* squares);
// The means alone.
void partial_means(const SlabPlan& plan, const float* x, float* means);

// Partial ones to mean[C] and biased variance[C] over all images.
void merge_statistics(const SlabPlan& plan, const float* means, const float* squares, float* mean,
                      float* variance);
// Partial means to the mean of each image, image_means[images, C].
void merge_means(const SlabPlan& plan, const float* means, float* image_means);

// Partial sums to those of each image, sums[images, C]; with one segment an image sums may be partials.
void merge_sums(const SlabPlan& plan, const float* partials, float* sums);

// The scale of batch norm, gamma*rstd with rstd = 1/sqrt(variance + eps). All arrays [channels]; rstd may be
// null.
void scale_of(int64_t channels, double eps, const float* gamma, const float* variance, float* scale,
              float* rstd);

}  // namespace senet::cpu
