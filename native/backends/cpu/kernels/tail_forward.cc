#include "backends/cpu/kernels/tail_forward.h"

#include "backends/cpu/kernels/bits.h"
#include "backends/cpu/kernels/choose.h"

namespace senet::cpu {
namespace {

template <Shortcut kShortcut, bool kRelu, bool kMask>
void apply_slab(const SlabPlan& plan, const Slab& slab, const TailForward& tail) {
  Lanes a, b, mean, a2, b2, mean2;
  gated_lanes(plan, slab, tail.scale, tail.beta, tail.gate, a, b);
  spread(slab, tail.mean + slab.channel, mean);
  if constexpr (kShortcut == Shortcut::kProjected) {
    spread(slab, tail.scale2 + slab.channel, a2);
    spread(slab, tail.beta2 + slab.channel, b2);
    spread(slab, tail.mean2 + slab.channel, mean2);
  }
  const float* x = tail.x;
  const float* identity = tail.identity;
  float* y = tail.y;
  uint8_t* mask = tail.mask;
  sweep(slab, [=, &a, &b, &mean, &a2, &b2, &mean2](auto access, int64_t e, int64_t l) {
    Vec t = affine(load(a.at + l), access.get(x + e), load(mean.at + l), load(b.at + l));
    if constexpr (kShortcut == Shortcut::kPlain) t += access.get(identity + e);
    if constexpr (kShortcut == Shortcut::kProjected) {
      t += affine(load(a2.at + l), access.get(identity + e), load(mean2.at + l), load(b2.at + l));
    }
    if constexpr (kMask) mask[e >> 3] = static_cast<uint8_t>(access.bits(positive_bits(t)));
    if constexpr (kRelu) t = rectify(t);
    access.put(y + e, t);
  });
}

// The mask on its own, for maps whose vectors do not start at whole bytes of it.
void mask_of(int64_t elements, const float* y, uint8_t* mask) {
  parallel_for((elements + 7) / 8, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const PartVec access{static_cast<size_t>(std::min<int64_t>(kLanes, elements - i * kLanes))};
      mask[i] = static_cast<uint8_t>(access.bits(positive_bits(access.get(y + i * kLanes))));
    }
  });
}

}  // namespace

void apply_tail(const SlabPlan& plan, const TailForward& tail) {
  const bool inner_mask = tail.mask != nullptr && plan.aligned();
  choose<Shortcut::kNone, Shortcut::kPlain, Shortcut::kProjected>(tail.shortcut, [&](auto shortcut) {
    choose<false, true>(tail.relu, [&](auto relu) {
      choose<false, true>(inner_mask, [&](auto mask) {
        for_slabs_backwards(plan, [&](const Slab& slab) {
          apply_slab<shortcut.value, relu.value, mask.value>(plan, slab, tail);
        });
      });
    });
  });
  if (tail.mask != nullptr && !inner_mask) mask_of(plan.elements(), tail.y, tail.mask);
}

}  // namespace senet::cpu
