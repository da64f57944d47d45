#include "backends/cpu/kernels/tail_backward.h"

#include "backends/cpu/kernels/bits.h"
#include "backends/cpu/kernels/choose.h"
#include "backends/cpu/kernels/lane_sums.h"

namespace senet::cpu {
namespace {

// g at one vector, from the operands of pass 1. Holds the lanes it needs.
template <MaskFrom kMaskFrom, bool kAligned>
class MaskedGradient {
 public:
  MaskedGradient(const SlabPlan& plan, const Slab& slab, const TailBackward& tail)
      : dy_(tail.dy), dy_extra_(tail.dy_extra), mask_(tail.mask), mask_bytes_((plan.elements() + 7) / 8) {
    if constexpr (kMaskFrom == MaskFrom::kForward) {
      gated_lanes(plan, slab, tail.scale, tail.beta, tail.gate, a_, b_);
      spread(slab, tail.mean + slab.channel, mean_);
    }
  }

  template <typename Access>
  Vec get(const Access& access, int64_t e, int64_t l, Vec x) const {
    Vec g = access.get(dy_ + e);
    if (dy_extra_ != nullptr) g += access.get(dy_extra_ + e);
    if constexpr (kMaskFrom == MaskFrom::kBits) {
      g = keep(lanes_of_bits(kAligned ? mask_[e >> 3] : bits_at(mask_, e, mask_bytes_)), g);
    }
    if constexpr (kMaskFrom == MaskFrom::kForward) {
      g = keep(affine(load(a_.at + l), x, load(mean_.at + l), load(b_.at + l)) > Vec{}, g);
    }
    return g;
  }

 private:
  const float* dy_;
  const float* dy_extra_;
  const uint8_t* mask_;
  int64_t mask_bytes_;
  Lanes a_, b_, mean_;
};

template <MaskFrom kMaskFrom, bool kAligned, Shortcut kShortcut>
void reduce_slab(const SlabPlan& plan, const Slab& slab, const TailBackward& tail, const TailSums& sums) {
  constexpr bool kProjected = kShortcut == Shortcut::kProjected;
  const MaskedGradient<kMaskFrom, kAligned> gradient(plan, slab, tail);
  Lanes mean, mean2;
  LaneSums<kProjected ? 3 : 2> lane_sums;
  spread(slab, tail.mean + slab.channel, mean);
  if constexpr (kProjected) spread(slab, tail.mean2 + slab.channel, mean2);
  const float* x = tail.x;
  const float* identity = tail.identity;
  float* g_out = tail.g;
  const int64_t stride = slab.stride;
  auto& run = lane_sums.run;
  lane_sums.sweep(slab,
                  [=, &gradient, &mean, &mean2, &run](auto rows, auto access, int64_t element, int64_t l) {
                    const Vec mu = load(mean.at + l);
                    Vec sg = load(run[0].at + l), sgx = load(run[1].at + l), sgx2{};
                    if constexpr (kProjected) sgx2 = load(run[2].at + l);
                    for (int r = 0; r < rows; ++r) {
                      const int64_t e = element + r * stride;
                      const Vec x_here = access.get(x + e);
                      const Vec g = gradient.get(access, e, l, x_here);
                      sg += g;
                      sgx += g * (x_here - mu);
                      if constexpr (kProjected) sgx2 += g * (access.get(identity + e) - load(mean2.at + l));
                      if constexpr (kShortcut != Shortcut::kNone) access.put(g_out + e, g);
                    }
                    store(run[0].at + l, sg);
                    store(run[1].at + l, sgx);
                    if constexpr (kProjected) store(run[2].at + l, sgx2);
                  });
  lane_sums.gather(slab, 0, sums.g + plan.partial(slab));
  lane_sums.gather(slab, 1, sums.gx + plan.partial(slab));
  if constexpr (kProjected) lane_sums.gather(slab, 2, sums.gx2 + plan.partial(slab));
}

void slope_lanes(const Slab& slab, const float* a, const float* b, const float* c, Lanes& a_lanes,
                 Lanes& b_lanes, Lanes& c_lanes) {
  spread(slab, a + slab.channel, a_lanes);
  spread(slab, b + slab.channel, b_lanes);
  spread(slab, c, c_lanes);
}

// g comes from tail.g if there is a shortcut, otherwise from the operands of pass 1 again.
template <MaskFrom kMaskFrom, Shortcut kShortcut, bool kWithoutX>
void apply_slab(const SlabPlan& plan, const Slab& slab, const TailBackward& tail, const TailSlopes& slopes,
                float* dx) {
  constexpr bool kProjected = kShortcut == Shortcut::kProjected;
  constexpr bool kReadsX = !kWithoutX || kMaskFrom == MaskFrom::kForward;
  const MaskedGradient<kMaskFrom, true> gradient(plan, slab, tail);
  Lanes mean, a, b, c, mean2, a2, b2, c2;
  const int64_t image_row = slab.image * plan.channels() + slab.channel;
  spread(slab, tail.mean + slab.channel, mean);
  slope_lanes(slab, slopes.a, slopes.b, slopes.c + (tail.gate == nullptr ? slab.channel : image_row), a, b,
              c);
  if (tail.gate != nullptr) {
    for (int64_t i = 0; i < slab.channels; ++i) a.at[i] *= tail.gate[image_row + i];
    spread(slab, a);
  }
  if constexpr (kProjected) {
    spread(slab, tail.mean2 + slab.channel, mean2);
    slope_lanes(slab, slopes.a2, slopes.b2, slopes.c2 + slab.channel, a2, b2, c2);
  }
  const float* x = tail.x;
  const float* identity = tail.identity;
  float* g_map = tail.g;
  sweep(slab, [=, &gradient, &mean, &a, &b, &c, &mean2, &a2, &b2, &c2](auto access, int64_t e, int64_t l) {
    Vec x_here{};
    if constexpr (kReadsX) x_here = access.get(x + e);
    Vec g;
    if constexpr (kShortcut == Shortcut::kNone) {
      g = gradient.get(access, e, l, x_here);
    } else {
      g = access.get(g_map + e);
    }
    Vec d = load(a.at + l) * g + load(c.at + l);
    if constexpr (!kWithoutX) d += load(b.at + l) * (x_here - load(mean.at + l));
    access.put(dx + e, d);
    if constexpr (kProjected) {
      Vec d2 = load(a2.at + l) * g + load(c2.at + l);
      if constexpr (!kWithoutX) d2 += load(b2.at + l) * (access.get(identity + e) - load(mean2.at + l));
      access.put(g_map + e, d2);
    }
  });
}

}  // namespace

void reduce_tail_gradient(const SlabPlan& plan, const TailBackward& tail, const TailSums& sums) {
  const auto run = [&](auto mask_from, auto aligned, auto shortcut) {
    for_slabs(plan, [&](const Slab& slab) {
      reduce_slab<mask_from.value, aligned.value, shortcut.value>(plan, slab, tail, sums);
    });
  };
  using No = std::false_type;
  using Yes = std::true_type;
  if (tail.shortcut == Shortcut::kNone) {
    choose<MaskFrom::kNone, MaskFrom::kForward>(tail.mask_from, [&](auto mask_from) {
      run(mask_from, Yes(), std::integral_constant<Shortcut, Shortcut::kNone>());
    });
    return;
  }
  choose<Shortcut::kPlain, Shortcut::kProjected>(tail.shortcut, [&](auto shortcut) {
    if (tail.mask_from == MaskFrom::kNone) {
      run(std::integral_constant<MaskFrom, MaskFrom::kNone>(), Yes(), shortcut);
    } else if (plan.aligned()) {
      run(std::integral_constant<MaskFrom, MaskFrom::kBits>(), Yes(), shortcut);
    } else {
      run(std::integral_constant<MaskFrom, MaskFrom::kBits>(), No(), shortcut);
    }
  });
}

void apply_tail_gradient(const SlabPlan& plan, const TailBackward& tail, const TailSlopes& slopes,
                         float* dx) {
  choose<false, true>(slopes.without_x, [&](auto without_x) {
    const auto run = [&](auto mask_from, auto shortcut) {
      for_slabs_backwards(plan, [&](const Slab& slab) {
        apply_slab<mask_from.value, shortcut.value, without_x.value>(plan, slab, tail, slopes, dx);
      });
    };
    if (tail.shortcut == Shortcut::kNone) {
      choose<MaskFrom::kNone, MaskFrom::kForward>(tail.mask_from, [&](auto mask_from) {
        run(mask_from, std::integral_constant<Shortcut, Shortcut::kNone>());
      });
      return;
    }
    choose<Shortcut::kPlain, Shortcut::kProjected>(tail.shortcut, [&](auto shortcut) {
      run(std::integral_constant<MaskFrom, MaskFrom::kNone>(), shortcut);
    });
  });
}

}  // namespace senet::cpu
