#include "backends/cpu/kernels/activation_lanes.h"
#include "backends/cpu/kernels/choose.h"
#include "backends/cpu/kernels/lane_sums.h"
#include "backends/cpu/kernels/norm_activation.h"

namespace senet::cpu {
namespace {

enum Sum : uint8_t { kDg, kDgx, kGt };

// g = dy + dy_extra. Maps; dy_extra may be null.
struct Gradient {
  const float* dy;
  const float* dy_extra;

  template <typename Access>
  Vec get(const Access& access, int64_t e) const {
    const Vec g = access.get(dy + e);
    return dy_extra == nullptr ? g : g + access.get(dy_extra + e);
  }
};

// sums: each [plan.partials()]; GT only if it excites.
template <bool kExcites, Activation kKind>
void reduce_slab(const SlabPlan& plan, const Slab& slab, const Gradient& gradient, const float* x,
                 const ActivationLanes<kKind>& activation, float* const (&sums)[3]) {
  constexpr int kSums = kExcites ? 3 : 2;
  LaneSums<kSums> lane_sums;
  auto& run = lane_sums.run;
  const int64_t stride = slab.stride;
  lane_sums.sweep(slab, [=, &activation, &run](auto rows, auto access, int64_t element, int64_t l) {
    Vec s[3] = {};
    for (int i = 0; i < kSums; ++i) s[i] = load(run[i].at + l);
    for (int r = 0; r < rows; ++r) {
      const int64_t e = element + r * stride;
      const auto point = activation.at(l, access.get(x + e));
      const Vec g = gradient.get(access, e);
      const Vec dg = point.times_slope(g);
      s[kDg] += dg;
      s[kDgx] += dg * point.centred;
      if constexpr (kExcites) s[kGt] += g * point.t;
    }
    for (int i = 0; i < kSums; ++i) store(run[i].at + l, s[i]);
  });
  for (int i = 0; i < kSums; ++i) lane_sums.gather(slab, i, sums[i] + plan.partial(slab));
}

// slope, shift [C]; gate, e [images, C], or null for 1 and 0. dx may be any of the maps.
struct Slopes {
  const float* slope;
  const float* shift;
  const float* gate;
  const float* e;
};

template <Activation kKind>
void apply_slab(const SlabPlan& plan, const Slab& slab, const Gradient& gradient, const float* x,
                const ActivationLanes<kKind>& activation, const Slopes& slopes, float* dx) {
  Lanes s, e, slope, shift;
  image_lanes(plan, slab, slopes.gate, 1.0f, s);
  image_lanes(plan, slab, slopes.e, 0.0f, e);
  spread(slab, slopes.slope + slab.channel, slope);
  spread(slab, slopes.shift + slab.channel, shift);
  sweep(slab, [=, &activation, &s, &e, &slope, &shift](auto access, int64_t at, int64_t l) {
    const auto point = activation.at(l, access.get(x + at));
    const Vec dt = load(s.at + l) * gradient.get(access, at) + load(e.at + l);
    const Vec dz = activation.scale(l) * point.times_slope(dt);
    access.put(dx + at, dz + load(shift.at + l) + load(slope.at + l) * point.centred);
  });
}

}  // namespace

size_t NormActivationBackward::lay_out(void* base) {
  Workspace workspace(base);
  const int64_t channels = kind_.map.channels;
  const int count = kind_.excites() ? 3 : 2;
  for (int i = 0; i < count; ++i) {
    partials_[i] = workspace.floats(plan_.partials());
    sums_[i] = plan_.segments() > 1 ? workspace.floats(plan_.images() * channels) : partials_[i];
  }
  for (float** array : {&scale_, &rstd_, &slope_, &shift_}) *array = workspace.floats(channels);
  operands_.dgamma = workspace.floats_unless(operands_.dgamma, channels);
  operands_.dbeta = workspace.floats_unless(operands_.dbeta, channels);
  e_ = nullptr;
  if (kind_.excites()) {
    e_ = workspace.floats(kind_.gate_count());
    h_ = workspace.floats(kind_.hidden_count());
    dv_ = workspace.floats(kind_.hidden_count());
  }
  return workspace.bytes();
}

void NormActivationBackward::bind(const Operands& operands, void* workspace) {
  operands_ = operands;
  lay_out(workspace);
}

// From ds, which is GT, e and the gradients of the excitation's weights.
void NormActivationBackward::excite() const {
  const Operands& o = operands_;
  ExcitationGradients gradients = o.weights;
  gradients.dq = e_;
  excitation_backward(kind_.excitation(), kind_.gates, sums_[kGt], o.squeeze, o.hidden, o.gate, o.w1, o.w2,
                      h_, dv_, gradients);
  const float by_positions = 1.0f / static_cast<float>(kind_.map.positions());
  for (int64_t i = 0; i < kind_.gate_count(); ++i) e_[i] *= by_positions;
}

// dgamma and dbeta, and what dx needs of them.
void NormActivationBackward::norm_gradient() const {
  const Operands& o = operands_;
  const int64_t channels = kind_.map.channels;
  const auto all = static_cast<float>(kind_.map.images * kind_.map.positions());
  const float by_all = kind_.training ? 1.0f / all : 0.0f;
  for_channels(channels, plan_.images(), [&](int64_t first, int64_t last) {
    double beta[kChannelShare] = {}, gamma[kChannelShare] = {};
    for (int64_t n = 0; n < plan_.images(); ++n) {
      for (int64_t c = first; c < last; ++c) {
        const int64_t i = n * channels + c;
        const double dg = sums_[kDg][i], dgx = sums_[kDgx][i];
        if (kind_.excites()) {
          const double s = o.gate[i], e = e_[i];
          beta[c - first] += s * dg + e * o.slopes[i];
          gamma[c - first] += s * dgx + e * o.slopes_x[i];
        } else {
          beta[c - first] += dg;
          gamma[c - first] += dgx;
        }
      }
    }
    for (int64_t c = first; c < last; ++c) {
      o.dbeta[c] = static_cast<float>(beta[c - first]);
      o.dgamma[c] = static_cast<float>(rstd_[c] * gamma[c - first]);
      slope_[c] = -scale_[c] * rstd_[c] * o.dgamma[c] * by_all;
      shift_[c] = -scale_[c] * o.dbeta[c] * by_all;
    }
  });
}

void NormActivationBackward::reduce() const {
  const Operands& o = operands_;
  const Gradient gradient = {o.dy, o.dy_extra};
  with_activation(kind_.activation, [&](auto kind) {
    choose<false, true>(kind_.excites(), [&](auto excites) {
      for_slabs(plan_, [&](const Slab& slab) {
        const ActivationLanes<decltype(kind)::value> activation(slab, scale_, o.norm.mean, o.norm.beta);
        reduce_slab<decltype(excites)::value>(plan_, slab, gradient, o.x, activation, partials_);
      });
    });
  });
  for (int i = 0; i < (kind_.excites() ? 3 : 2); ++i) merge_sums(plan_, partials_[i], sums_[i]);
}

void NormActivationBackward::apply() const {
  const Operands& o = operands_;
  const Slopes slopes = {slope_, shift_, kind_.excites() ? o.gate : nullptr, e_};
  const Gradient gradient = {o.dy, o.dy_extra};
  with_activation(kind_.activation, [&](auto kind) {
    for_slabs_backwards(plan_, [&](const Slab& slab) {
      const ActivationLanes<decltype(kind)::value> activation(slab, scale_, o.norm.mean, o.norm.beta);
      apply_slab(plan_, slab, gradient, o.x, activation, slopes, o.dx);
    });
  });
}

void NormActivationBackward::run() const {
  const NormParameters& norm = operands_.norm;
  scale_of(kind_.map.channels, kind_.eps, norm.gamma, norm.variance, scale_, rstd_);
  reduce();
  if (kind_.excites()) excite();
  norm_gradient();
  apply();
}

}  // namespace senet::cpu
