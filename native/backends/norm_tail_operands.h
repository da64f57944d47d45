// Positions of the operands of norm_tail and its gradient, as lib/ops/norm_tail.ts defines them.
#pragma once

#include <cstddef>

namespace senet {

namespace norm_tail_operands {

enum Input : size_t {
  kX,
  kGamma,
  kBeta,
  kRunningMean,
  kRunningVariance,
  kIdentity,
  kGamma2,
  kBeta2,
  kRunningMean2,
  kRunningVariance2,
  kW1,
  kB1,
  kW2,
  kB2,
  // Not from TypeScript: sums that the convolutions before x and identity took along (cuda/passes/take_statistics.cc).
  kDeviations,
  kSquares,
  kDeviations2,
  kSquares2
};
enum Output : size_t { kY, kMean, kVariance, kMean2, kVariance2, kSampleMean, kHidden, kGate, kMask };

}  // namespace norm_tail_operands

namespace norm_tail_grad_operands {

enum Input : size_t {
  kDy,
  kDyExtra,
  kX,
  kGamma,
  kBeta,
  kMean,
  kVariance,
  kIdentity,
  kGamma2,
  kMean2,
  kVariance2,
  kW1,
  kW2,
  kSampleMean,
  kHidden,
  kGate,
  kMask
};
enum Output : size_t { kDx, kDgamma, kDbeta, kDidentity, kDgamma2, kDbeta2, kDw1, kDb1, kDw2, kDb2 };

}  // namespace norm_tail_grad_operands

}  // namespace senet
