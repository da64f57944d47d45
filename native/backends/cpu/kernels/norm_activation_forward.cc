#include "backends/cpu/kernels/activation_lanes.h"
#include "backends/cpu/kernels/choose.h"
#include "backends/cpu/kernels/lane_sums.h"
#include "backends/cpu/kernels/norm_activation.h"

namespace senet::cpu {
namespace {

// sums[0] of t, and with slopes sums[1] of d and sums[2] of d*(x - mean); each [plan.partials()].
template <Activation kKind, bool kSlopes>
void squeeze_slab(const SlabPlan& plan, const Slab& slab, const float* x,
                  const ActivationLanes<kKind>& activation, float* const (&sums)[3]) {
  constexpr int kSums = kSlopes ? 3 : 1;
  LaneSums<kSums> lane_sums;
  auto& run = lane_sums.run;
  const int64_t stride = slab.stride;
  lane_sums.sweep(slab, [=, &activation, &run](auto rows, auto access, int64_t element, int64_t l) {
    Vec s[3] = {};
    for (int i = 0; i < kSums; ++i) s[i] = load(run[i].at + l);
    for (int r = 0; r < rows; ++r) {
      const auto point = activation.at(l, access.get(x + element + r * stride));
      s[0] += access.only(point.t);
      if constexpr (kSlopes) {
        const Vec d = access.only(point.times_slope(broadcast(1.0f)));
        s[1] += d;
        s[2] += d * point.centred;
      }
    }
    for (int i = 0; i < kSums; ++i) store(run[i].at + l, s[i]);
  });
  for (int i = 0; i < kSums; ++i) lane_sums.gather(slab, i, sums[i] + plan.partial(slab));
}

// gate [images, C], or null for 1.
template <Activation kKind>
void apply_slab(const SlabPlan& plan, const Slab& slab, const float* x,
                const ActivationLanes<kKind>& activation, const float* gate, float* y) {
  Lanes s;
  image_lanes(plan, slab, gate, 1.0f, s);
  sweep(slab, [=, &activation, &s](auto access, int64_t e, int64_t l) {
    access.put(y + e, load(s.at + l) * activation.at(l, access.get(x + e)).t);
  });
}

// A pass in the direction opposite to the one before finds its end still in cache.
template <typename Body>
void pass(const SlabPlan& plan, bool backwards, const Body& body) {
  if (backwards) {
    for_slabs_backwards(plan, body);
  } else {
    for_slabs(plan, body);
  }
}

}  // namespace

size_t NormActivationForward::lay_out(void* base) {
  Workspace workspace(base);
  const int64_t channels = kind_.map.channels;
  for (float*& partials : partials_) partials = workspace.floats(plan_.partials());
  scale_ = workspace.floats(channels);
  operands_.mean = workspace.floats_unless(operands_.mean, channels);
  operands_.variance = workspace.floats_unless(operands_.variance, channels);
  if (kind_.excites()) {
    operands_.squeeze = workspace.floats_unless(operands_.squeeze, kind_.gate_count());
    operands_.gate = workspace.floats_unless(operands_.gate, kind_.gate_count());
    h_ = workspace.floats(kind_.hidden_count());
  }
  return workspace.bytes();
}

void NormActivationForward::bind(const Operands& operands, void* workspace) {
  operands_ = operands;
  lay_out(workspace);
}

// The squeeze and what follows from it.
void NormActivationForward::excite() const {
  const Operands& o = operands_;
  const bool slopes = o.slopes != nullptr;
  const float* mean = kind_.training ? o.mean : o.norm.mean;
  with_activation(kind_.activation, [&](auto kind) {
    constexpr Activation kKind = decltype(kind)::value;
    choose<false, true>(slopes, [&](auto with_slopes) {
      pass(plan_, kind_.training, [&](const Slab& slab) {
        const ActivationLanes<kKind> activation(slab, scale_, mean, o.norm.beta);
        squeeze_slab<kKind, decltype(with_slopes)::value>(plan_, slab, o.x, activation, partials_);
      });
    });
  });
  merge_sums(plan_, partials_[0], o.squeeze);
  if (slopes) merge_sums(plan_, partials_[1], o.slopes);
  if (slopes) merge_sums(plan_, partials_[2], o.slopes_x);
  const float by_positions = 1.0f / static_cast<float>(kind_.map.positions());
  for (int64_t i = 0; i < kind_.gate_count(); ++i) o.squeeze[i] *= by_positions;
  excitation_forward(kind_.excitation(), kind_.gates, o.squeeze, o.weights, o.hidden, h_, o.gate);
}

void NormActivationForward::run() const {
  const Operands& o = operands_;
  if (kind_.training) {
    partial_statistics(plan_, o.x, partials_[0], partials_[1]);
    merge_statistics(plan_, partials_[0], partials_[1], o.mean, o.variance);
  }
  const float* mean = kind_.training ? o.mean : o.norm.mean;
  const float* variance = kind_.training ? o.variance : o.norm.variance;
  scale_of(kind_.map.channels, kind_.eps, o.norm.gamma, variance, scale_, nullptr);
  if (kind_.excites()) excite();
  with_activation(kind_.activation, [&](auto kind) {
    constexpr Activation kKind = decltype(kind)::value;
    pass(plan_, kind_.training != kind_.excites(), [&](const Slab& slab) {
      const ActivationLanes<kKind> activation(slab, scale_, mean, o.norm.beta);
      apply_slab<kKind>(plan_, slab, o.x, activation, kind_.excites() ? o.gate : nullptr, o.y);
    });
  });
}

}  // namespace senet::cpu
