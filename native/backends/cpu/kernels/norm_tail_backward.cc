#include "backends/cpu/kernels/norm_tail.h"

namespace senet::cpu {

size_t NormTailBackward::lay_out(void* base) {
  Workspace workspace(base);
  const int64_t channels = kind_.map.channels, rows = plan_.images() * channels;
  const auto gradients = [&](TailSums& sums, int64_t count) {
    sums.g = workspace.floats(count);
    sums.gx = workspace.floats(count);
    sums.gx2 = workspace.floats(count);
  };
  gradients(partials_, plan_.partials());
  sums_ = partials_;
  if (plan_.segments() > 1) gradients(sums_, rows);
  for (float** array : {&scale_, &rstd_, &scale2_, &rstd2_, &b_, &b2_, &c2_}) {
    *array = workspace.floats(channels);
  }
  for (float** output : {&operands_.dgamma, &operands_.dbeta, &operands_.dgamma2, &operands_.dbeta2}) {
    *output = workspace.floats_unless(*output, channels);
  }
  c_ = workspace.floats(kind_.excites() ? rows : channels);
  if (kind_.excites()) {
    q_ = workspace.floats(rows);
    ds_ = workspace.floats(rows);
    dq_ = workspace.floats(rows);
    h_ = workspace.floats(kind_.map.images * kind_.squeezed);
    dv_ = workspace.floats(kind_.map.images * kind_.squeezed);
  }
  if (kind_.shortcut != Shortcut::kNone && !has_didentity_)
    operands_.didentity = workspace.floats(plan_.elements());
  return workspace.bytes();
}

void NormTailBackward::bind(const Operands& operands, void* workspace) {
  operands_ = operands;
  lay_out(workspace);
}

// ds, and from it dq and the gradients of the excitation's weights.
void NormTailBackward::excite() const {
  const Operands& o = operands_;
  const int64_t channels = kind_.map.channels;
  small_stage(kind_.map.images, channels, [&](int64_t begin, int64_t end) {
    for (int64_t n = begin; n < end; ++n) {
      for (int64_t c = 0; c < channels; ++c) {
        const int64_t i = n * channels + c;
        q_[i] = scale_[c] * (o.sample_mean[i] - o.norm.mean[c]) + o.norm.beta[c];
        ds_[i] = scale_[c] * sums_.gx[i] + o.norm.beta[c] * sums_.g[i];
      }
    }
  });
  ExcitationGradients gradients = o.weights;
  gradients.dq = dq_;
  excitation_backward(kind_.excitation(), kind_.gates, ds_, q_, o.hidden, o.gate, o.w1, o.w2, h_, dv_,
                      gradients);
}

// dgamma, dbeta of both norms.
void NormTailBackward::norm_gradient() const {
  const Operands& o = operands_;
  const int64_t channels = kind_.map.channels;
  const bool projected = kind_.shortcut == Shortcut::kProjected;
  for_channels(channels, plan_.images(), [&](int64_t first, int64_t last) {
    double beta[kChannelShare] = {}, gamma[kChannelShare] = {};
    double beta2[kChannelShare] = {}, gamma2[kChannelShare] = {};
    for (int64_t n = 0; n < plan_.images(); ++n) {
      for (int64_t c = first; c < last; ++c) {
        const int64_t i = n * channels + c;
        const double g = sums_.g[i], gx = sums_.gx[i];
        if (kind_.excites()) {
          const double s = o.gate[i], dq = dq_[i];
          beta[c - first] += s * g + dq;
          gamma[c - first] += s * gx + dq * (o.sample_mean[i] - o.norm.mean[c]);
        } else {
          beta[c - first] += g;
          gamma[c - first] += gx;
        }
        if (projected) {
          beta2[c - first] += g;
          gamma2[c - first] += sums_.gx2[i];
        }
      }
    }
    for (int64_t c = first; c < last; ++c) {
      o.dbeta[c] = static_cast<float>(beta[c - first]);
      o.dgamma[c] = static_cast<float>(rstd_[c] * gamma[c - first]);
      if (!projected) continue;
      o.dbeta2[c] = static_cast<float>(beta2[c - first]);
      o.dgamma2[c] = static_cast<float>(rstd2_[c] * gamma2[c - first]);
    }
  });
}

// B and C of pass 2.
void NormTailBackward::slopes() const {
  const Operands& o = operands_;
  const int64_t channels = kind_.map.channels;
  const float by_positions = 1.0f / static_cast<float>(kind_.map.positions());
  const float by_all = kind_.training ? by_positions / static_cast<float>(kind_.map.images) : 0.0f;
  for (int64_t c = 0; c < channels; ++c) {
    b_[c] = -scale_[c] * rstd_[c] * o.dgamma[c] * by_all;
    c_[c] = -scale_[c] * o.dbeta[c] * by_all;
  }
  if (kind_.shortcut == Shortcut::kProjected) {
    for (int64_t c = 0; c < channels; ++c) {
      b2_[c] = -scale2_[c] * rstd2_[c] * o.dgamma2[c] * by_all;
      c2_[c] = -scale2_[c] * o.dbeta2[c] * by_all;
    }
  }
  if (!kind_.excites()) return;
  for (int64_t n = kind_.map.images - 1; n >= 0; --n) {  // image 0 last: its row holds what all start from
    for (int64_t c = 0; c < channels; ++c) {
      c_[n * channels + c] = c_[c] + scale_[c] * dq_[n * channels + c] * by_positions;
    }
  }
}

TailBackward NormTailBackward::passes() const {
  const Operands& o = operands_;
  MaskFrom mask_from = MaskFrom::kNone;
  if (kind_.relu) mask_from = kind_.shortcut == Shortcut::kNone ? MaskFrom::kForward : MaskFrom::kBits;
  return {.dy = o.dy,
          .dy_extra = o.dy_extra,
          .x = o.x,
          .mean = o.norm.mean,
          .mask_from = mask_from,
          .mask = o.mask,
          .scale = scale_,
          .beta = o.norm.beta,
          .gate = kind_.excites() ? o.gate : nullptr,
          .shortcut = kind_.shortcut,
          .g = o.didentity,
          .identity = o.identity,
          .mean2 = o.norm2.mean};
}

void NormTailBackward::run() const {
  const Operands& o = operands_;
  const NormParameters &norm = o.norm, &norm2 = o.norm2;
  const int64_t channels = kind_.map.channels;
  scale_of(channels, kind_.eps, norm.gamma, norm.variance, scale_, rstd_);
  const bool projected = kind_.shortcut == Shortcut::kProjected;
  if (projected) {
    scale_of(channels, kind_.eps2, norm2.gamma, norm2.variance, scale2_, rstd2_);
  }
  const TailBackward tail = passes();
  reduce_tail_gradient(plan_, tail, partials_);
  merge_sums(plan_, partials_.g, sums_.g);
  merge_sums(plan_, partials_.gx, sums_.gx);
  if (projected) merge_sums(plan_, partials_.gx2, sums_.gx2);
  if (kind_.excites()) excite();
  norm_gradient();
  slopes();
  apply_tail_gradient(
      plan_, tail,
      {.without_x = !kind_.training, .a = scale_, .b = b_, .c = c_, .a2 = scale2_, .b2 = b2_, .c2 = c2_},
      o.dx);
}

}  // namespace senet::cpu
