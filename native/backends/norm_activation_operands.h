// Positions of the operands of norm_activation and its gradient, as lib/ops/norm_activation.ts defines them.
#pragma once

#include <cstddef>

namespace senet {

namespace norm_activation_operands {

enum Input : size_t {
  kX,
  kGamma,
  kBeta,
  kRunningMean,
  kRunningVariance,
  kW1,
  kB1,
  kW2,
  kB2,
  // Not from TypeScript: sums that the convolution before x took along (cuda/passes/take_statistics.cc).
  kDeviations,
  kSquares
};
enum Output : size_t { kY, kMean, kVariance, kSqueeze, kHidden, kGate, kSlopes, kSlopesX };

}  // namespace norm_activation_operands

namespace norm_activation_grad_operands {

enum Input : size_t {
  kDy,
  kDyExtra,
  kX,
  kGamma,
  kBeta,
  kMean,
  kVariance,
  kW1,
  kW2,
  kSqueeze,
  kHidden,
  kGate,
  kSlopes,
  kSlopesX
};
enum Output : size_t { kDx, kDgamma, kDbeta, kDw1, kDb1, kDw2, kDb2 };

}  // namespace norm_activation_grad_operands

}  // namespace senet
