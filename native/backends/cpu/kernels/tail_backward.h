// The two backward passes of a normalised tail y = relu?( s*z + i ), z = scale*(x - mean) + beta.
//
// The gradient that reaches the sum s*z + i is g = (dy + dy_extra) where y > 0.
//   pass 1 (reduce): G = sum g, GX = sum g*(x - mean), and for a projected shortcut GX2 = sum g*(identity -
//   mean2),
//                    each per (image, segment, channel); stores g if there is a shortcut, whose gradient it
//                    is.
//   pass 2 (apply):  dx = A*g + B*(x - mean) + C, and for a projected shortcut the same form in place of g.
// Between them stand the small stages of norm_tail_gradient.h, which know A, B and C.
#pragma once

#include "backends/cpu/kernels/tail_forward.h"

namespace senet::cpu {

// Where the ReLU's mask comes from: there is no ReLU, the bits the forward pass wrote, or the forward
// expression once more (only without a shortcut).
enum class MaskFrom : uint8_t { kNone, kBits, kForward };

struct TailBackward {
  const float* dy;        // map
  const float* dy_extra;  // map; null: none
  const float* x;         // map
  const float* mean;      // [C]
  MaskFrom mask_from;
  const uint8_t* mask;  // [ceil(elements/8)]
  const float* scale;   // [C]; these three as in TailForward, for kForward
  const float* beta;    // [C]
  const float* gate;    // [images, C] or null
  Shortcut shortcut;
  float* g;               // map, written by pass 1 if there is a shortcut; may be dy or dy_extra
  const float* identity;  // map; these two for a projected shortcut
  const float* mean2;     // [C]
};

// The sums, each [plan.partials()].
struct TailSums {
  float* g;
  float* gx;
  float* gx2;  // for a projected shortcut
};

void reduce_tail_gradient(const SlabPlan& plan, const TailBackward& tail, const TailSums& sums);

// A, B and C. without_x: B is zero (running statistics), and pass 2 need not read x for it.
struct TailSlopes {
  bool without_x;
  const float* a;   // [C], times gate if there is one
  const float* b;   // [C]
  const float* c;   // [C], or [images, C] if there is a gate
  const float* a2;  // [C]; for a projected shortcut
  const float* b2;
  const float* c2;
};

// dx: map, may be x, and may be dy or dy_extra if there is no shortcut.
void apply_tail_gradient(const SlabPlan& plan, const TailBackward& tail, const TailSlopes& slopes, float* dx);

}  // namespace senet::cpu
