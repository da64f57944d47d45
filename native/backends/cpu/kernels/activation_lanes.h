// What the passes of norm_activation do at one vector of a slab: z = scale*(x - mean) + beta, t = act(z) and its slope.
#pragma once

#include "backends/cpu/kernels/activation.h"
#include "backends/cpu/kernels/tail_forward.h"

namespace senet::cpu {

template <Activation kKind>
class ActivationLanes {
 public:
  // scale, mean, beta [C].
  ActivationLanes(const Slab& slab, const float* scale, const float* mean, const float* beta) {
    spread(slab, scale + slab.channel, scale_);
    spread(slab, mean + slab.channel, mean_);
    spread(slab, beta + slab.channel, beta_);
  }

  struct Point {
    Vec centred;  // x - mean
    Vec z, t;

    // dt times the activation's slope; see times_slope.
    [[gnu::always_inline]] Vec times_slope(Vec dt) const {
      return cpu::times_slope<kKind>(dt, needs_argument(kKind) ? z : t);
    }
  };
  [[gnu::always_inline]] Point at(int64_t lane, Vec x) const {
    const Vec mean = load(mean_.at + lane);
    const Vec z = affine(load(scale_.at + lane), x, mean, load(beta_.at + lane));
    return {x - mean, z, activate<kKind>(z)};
  }
  Vec scale(int64_t lane) const { return load(scale_.at + lane); }

 private:
  Lanes scale_, mean_, beta_;
};

// Lanes of values [images, C], or of the same value everywhere if there are none.
inline void image_lanes(const SlabPlan& plan, const Slab& slab, const float* values, float otherwise,
                        Lanes& lanes) {
  if (values != nullptr) {
    spread(slab, values + slab.image * plan.channels() + slab.channel, lanes);
    return;
  }
  for (int64_t l = 0; l < slab.lanes; l += kLanes) store(lanes.at + l, broadcast(otherwise));
}

}  // namespace senet::cpu
