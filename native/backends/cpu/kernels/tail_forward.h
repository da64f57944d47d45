// The second forward pass of a normalised tail: y = relu?( s*(scale*(x - mean) + beta) + i ), one read of x
// and of the identity, one write of y. With a ReLU and an identity it also writes the sign of y for the
// gradient.
#pragma once

#include "backends/cpu/kernels/slabs.h"

namespace senet::cpu {

// What is added to the normalised and gated tensor: nothing, a tensor, or a tensor with a batch norm of its
// own.
enum class Shortcut : uint8_t { kNone, kPlain, kProjected };

// Batch norm and gate of a channel. Centred before it is scaled, so that a mean far from zero costs no
// precision. The gradient finds the ReLU's mask again through this same expression.
inline Vec affine(Vec a, Vec x, Vec mean, Vec b) {
  return a * (x - mean) + b;
}

// Lanes a = s*scale and b = s*beta. scale, beta [C]; gate [images, C], or null for s = 1.
inline void gated_lanes(const SlabPlan& plan, const Slab& slab, const float* scale, const float* beta,
                        const float* gate, Lanes& a, Lanes& b) {
  const float* s = gate == nullptr ? nullptr : gate + slab.image * plan.channels() + slab.channel;
  for (int64_t c = 0; c < slab.channels; ++c) {
    const float factor = s == nullptr ? 1.0f : s[c];
    a.at[c] = scale[slab.channel + c] * factor;
    b.at[c] = beta[slab.channel + c] * factor;
  }
  spread(slab, a);
  spread(slab, b);
}

struct TailForward {
  const float* x;      // map
  const float* scale;  // [C]
  const float* mean;   // [C]
  const float* beta;   // [C]
  const float* gate;   // [images, C]; null: no gate
  Shortcut shortcut;
  const float* identity;  // map; with a shortcut
  const float* scale2;    // [C]; for a projected one
  const float* mean2;     // [C]
  const float* beta2;     // [C]
  bool relu;
  float* y;       // map; may be x or identity
  uint8_t* mask;  // [ceil(elements/8)]; null: not wanted
};

void apply_tail(const SlabPlan& plan, const TailForward& tail);

}  // namespace senet::cpu
