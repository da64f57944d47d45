// What the kernels of norm_activation share: batch norm, activation, and squeeze-and-excitation behind them, in as few
// passes over memory as there can be. Letters: P positions of an image, M = N*P; sums over positions are per image and
// channel (n,c).
//
//   z = scale*(x - mean) + beta, scale = gamma*rstd     batch norm of x
//   t = act(z), d = act'(z)
//   s = gate(W2 act(W1 q + b1) + b2), q = mean of t     s = 1 without squeeze-and-excitation
//   y = s*t
//
// Forward. With batch statistics, pass 1 reads x for them, unless a convolution has saved it (norm_tail_statistics.cu).
// With squeeze-and-excitation, the squeeze reads x: t is not affine in x, so q does not follow from the statistics; for
// the gradient it also takes D = sum d and DX = sum d*(x - mean). The last pass reads x and writes y.
//
// Backward. With g = dy, pass 1 reads dy and x: GT = sum g*t, DG = sum d*g, DGX = sum d*g*(x - mean). Then ds = GT, the
// excitation's gradient turns ds into dq, and t receives s*g + e at each position, e = dq/P, so that
//   dbeta = sum_n (s*DG + e*D)      dgamma = rstd * sum_n (s*DGX + e*DX)
//   dx = scale*( d*(s*g + e) - dbeta/M - (x - mean)*rstd*dgamma/M )    the last two terms: batch statistics only
// which is pass 2: it reads dy and x and writes dx. Both find t and d again from x, so nothing else of a map's size is
// kept. Everything is exact.
//
// Without excitation images need not be told apart: the map is swept as one image of M positions.
#pragma once

#include "backends/cuda/device/activation.cuh"
#include "backends/cuda/kernels/norm_tail.cuh"

namespace senet::cuda {

inline MapSweep activation_sweep(const NormActivationKind& kind, int width) {
  const auto [images, positions, channels] = kind.size;
  if (kind.squeezed > 0) return make_sweep(images, positions, channels, width);
  return make_sweep(1, images * positions, channels, width);
}

// Partial sums of that sweep, for any vector width.
inline int64_t activation_partials(const NormActivationKind& kind) {
  const auto [images, positions, channels] = kind.size;
  if (kind.squeezed > 0) return most_partials(images, positions, channels);
  return most_partials(1, images * positions, channels);
}

inline ExcitationSize activation_excitation(const NormActivationKind& kind) {
  return {kind.size.images, kind.size.channels, kind.squeezed, kind.size.channels};
}

// needs_argument() for device code, which may not call it.
template <Activation kKind>
inline constexpr bool kFromArgument = needs_argument(kKind);

// z and t at one element, and the slope there.
template <Activation kKind>
struct ActivationPoint {
  float z, t;

  __device__ explicit ActivationPoint(float argument) : z(argument), t(activate(kKind, argument)) {}

  // dt times the slope; see times_slope of device/activation.cuh.
  __device__ float times_slope(float dt) const {
    return cuda::times_slope(kKind, dt, kFromArgument<kKind> ? z : t);
  }
};

}  // namespace senet::cuda
