// What the kernels of norm_tail share. The tail of a residual block in two passes over memory each way;
// letters: P positions of an image, M = N*P; sums over positions are per image and channel (n,c).
//
//   z = scale*(x - mean) + beta, scale = gamma*rstd     batch norm of x
//   s = gate(W2 act(W1 q + b1) + b2), q = mean of z     s = 1 without squeeze-and-excitation
//   i = identity, or batch norm of it (projected), or 0
//   y = relu?( s*z + i )
//
// Forward. Pass 1, which a convolution may have saved (ShiftedSums), reads x: mean and M2 per (n,c), from which batch
// norm's statistics follow by a merge. As z is affine in x, q = scale*(m - mean) + beta needs no pass of its own. Pass 2
// reads x and identity, writes y and the ReLU's mask.
//
// Backward. With g = dy where y > 0, pass 1 reads dy, mask and x and takes G = sum g and GX = sum g*(x -
// mean) per (n,c). Then
//   ds = sum g*z = scale*GX + beta*G, and the excitation's gradient turns ds into dq;
//   z receives s*g + dq/P at each position, so with m the mean of x over the positions of (n,c)
//   dbeta = sum_n (s*G + dq)      dgamma = rstd * sum_n (s*GX + dq*(m - mean))
//   dx = scale*( s*g + dq/P - dbeta/M - (x - mean)*rstd*dgamma/M )     the last two terms: batch statistics
//   only
// which is pass 2, reading the same again and writing dx and g. The projected shortcut's norm is the same
// without gate, on the same g. Everything is exact.
//
// Without excitation images need not be told apart: the map is swept as one image of M positions.
#pragma once

#include <algorithm>
#include <type_traits>

#include "backends/cuda/device/map_sweep.cuh"
#include "backends/cuda/device/storage.cuh"
#include "backends/cuda/device/vector.cuh"
#include "backends/cuda/kernels/kernels.h"

namespace senet::cuda {

// A block of the stage that takes dgamma and dbeta: channels, and rows of partial sums.
inline constexpr int kGradientChannels = 8, kGradientRows = 32;

inline MapSweep tail_sweep(const TailKind& kind, int width) {
  const auto [images, positions, channels] = kind.size;
  if (kind.squeezed > 0) return make_sweep(images, positions, channels, width);
  return make_sweep(1, images * positions, channels, width);
}

// Partial sums of the tail's passes, for any vector width. The shortcut's norm is swept as one image in any
// case.
inline int64_t tail_partials(const TailKind& kind) {
  const auto [images, positions, channels] = kind.size;
  const int64_t whole = most_partials(1, images * positions, channels);
  return kind.squeezed > 0 ? std::max(whole, most_partials(images, positions, channels)) : whole;
}

inline ExcitationSize tail_excitation(const TailKind& kind) {
  return {kind.size.images, kind.size.channels, kind.squeezed, kind.size.channels};
}

// Pass 1 of the forward pass over one map, and what follows from it for one norm.
struct TailStatistics {
  NormParameters norm;  // mean, variance: the running ones
  ShiftedSums sums;     // in place of the pass
  double eps;
  bool training;       // take mean and variance of the batch
  float* mean;         // [C]; these two in training
  float* variance;     // [C]
  float* sample_mean;  // [N,C]; these two with excitation, otherwise null
  float* q;            // [N,C]
};
// partials: two arrays of tail_partials().
template <typename T>
void norm_tail_statistics(const TailKind& kind, const T* x, const TailStatistics& statistics, float* partials,
                          cudaStream_t stream);

// Sums of pass 1 of the backward pass, [images of the sweep, C] after merging.
struct TailSums {
  float* g;
  float* gx;
  float* gx2;  // sum g*(identity - mean2), for a projected shortcut
};

// Where the ReLU's mask comes from: there is no ReLU, the bits the forward pass wrote, or the forward
// expression once more (only without a shortcut).
enum class MaskFrom : int32_t { kNone, kBits, kForward };

inline MaskFrom mask_source(const TailKind& kind) {
  if (!kind.relu) return MaskFrom::kNone;
  return kind.shortcut == Shortcut::kNone ? MaskFrom::kForward : MaskFrom::kBits;
}

// What both backward passes read, as an argument of their kernels.
template <typename T>
struct TailGradientOperands {
  const T* dy;          // [N,P,C]
  const T* dy_extra;    // [N,P,C] or null
  const T* x;           // [N,P,C]
  const uint8_t* mask;  // [ceil(N*P*C/8)]; for MaskFrom::kBits
  const T* identity;    // [N,P,C]; for a projected shortcut
  const float* gamma;   // [C], as the next three
  const float* beta;
  const float* mean;
  const float* variance;
  const float* gate;    // [N,C] or null
  const float* gamma2;  // [C], as the next two; for a projected shortcut
  const float* mean2;
  const float* variance2;
  float eps, eps2;
};

template <typename T>
void norm_tail_sums(const TailKind& kind, const MapSweep& sweep, int width,
                    const TailGradientOperands<T>& operands, const TailSums& partials, cudaStream_t stream);

// One norm's scale = gamma*rstd at a channel.
__device__ inline float norm_rstd(float variance, float eps) {
  return 1.0f / sqrtf(variance + eps);
}

// The gated norm of V channels: s*(scale*(x - mean) + beta). Centred before it is scaled, so that a mean far
// from zero costs no precision. The gradient finds the ReLU's mask again through the same instructions.
template <int V>
class GatedNorm {
 public:
  // gate: of these channels, or null for 1. The others: [C], channel the first one's index.
  __device__ GatedNorm(const float* gamma, const float* beta, const float* mean, const float* variance,
                       float eps, const float* gate, int64_t channel) {
    float variances[V];
    load_floats(gamma + channel, scale_);
    load_floats(beta + channel, shift_);
    load_floats(mean + channel, mean_);
    load_floats(variance + channel, variances);
#pragma unroll
    for (int i = 0; i < V; ++i) scale_[i] *= norm_rstd(variances[i], eps);
    if (gate == nullptr) return;
    float factors[V];
    load_floats(gate, factors);
#pragma unroll
    for (int i = 0; i < V; ++i) {
      scale_[i] *= factors[i];
      shift_[i] *= factors[i];
    }
  }

  __device__ float at(int i, float x) const {
    return fmaf(scale_[i], x - mean_[i], shift_[i]);
  }
  __device__ float centred(int i, float x) const {
    return x - mean_[i];
  }
  // Of the norm and the gate.
  __device__ float scale(int i) const {
    return scale_[i];
  }

 private:
  float scale_[V], shift_[V], mean_[V];
};

// g = (dy + dy_extra) where the ReLU let pass, for the vectors of one thread.
template <typename T, int V, MaskFrom kMask>
class MaskedGradient {
 public:
  // channel: the thread's first; gate_at: index of its first gate.
  __device__ MaskedGradient(const TailGradientOperands<T>& o, int64_t channel, int64_t gate_at)
      : o_(o),
        norm_(o.gamma, o.beta, o.mean, o.variance, o.eps, o.gate == nullptr ? nullptr : o.gate + gate_at,
              channel) {}

  // At element e; x: its values, for kForward.
  __device__ void get(int64_t e, const float (&x)[V], float (&g)[V]) const {
    load(o_.dy + e, g);
    if (o_.dy_extra != nullptr) {
      float extra[V];
      load(o_.dy_extra + e, extra);
#pragma unroll
      for (int i = 0; i < V; ++i) g[i] += extra[i];
    }
    if constexpr (kMask == MaskFrom::kBits) {
      const unsigned bits = static_cast<unsigned>(o_.mask[e >> 3]) >> (e & 7);
#pragma unroll
      for (int i = 0; i < V; ++i) g[i] = (bits >> i & 1u) != 0 ? g[i] : 0.0f;
    }
    if constexpr (kMask == MaskFrom::kForward) {
#pragma unroll
      for (int i = 0; i < V; ++i) g[i] = norm_.at(i, x[i]) > 0.0f ? g[i] : 0.0f;
    }
  }

 private:
  struct NoNorm {
    template <typename... Unused>
    __device__ explicit NoNorm(Unused...) {}
  };

  const TailGradientOperands<T>& o_;
  std::conditional_t<kMask == MaskFrom::kForward, GatedNorm<V>, NoNorm> norm_;
};

}  // namespace senet::cuda
