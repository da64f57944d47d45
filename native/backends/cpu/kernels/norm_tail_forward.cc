#include "backends/cpu/kernels/norm_tail.h"

namespace senet::cpu {

size_t NormTailForward::lay_out(void* base) {
  Workspace workspace(base);
  const int64_t channels = kind_.map.channels;
  means_ = workspace.floats(plan_.partials());
  squares_ = workspace.floats(plan_.partials());
  scale_ = workspace.floats(channels);
  scale2_ = workspace.floats(channels);
  operands_.mean = workspace.floats_unless(operands_.mean, channels);
  operands_.variance = workspace.floats_unless(operands_.variance, channels);
  operands_.mean2 = workspace.floats_unless(operands_.mean2, channels);
  operands_.variance2 = workspace.floats_unless(operands_.variance2, channels);
  if (kind_.excites()) {
    const int64_t gates = kind_.map.images * channels;
    q_ = workspace.floats(gates);
    operands_.sample_mean = workspace.floats_unless(operands_.sample_mean, gates);
    operands_.gate = workspace.floats_unless(operands_.gate, gates);
    h_ = workspace.floats(kind_.map.images * kind_.squeezed);
  }
  return workspace.bytes();
}

void NormTailForward::bind(const Operands& operands, void* workspace) {
  operands_ = operands;
  lay_out(workspace);
}

// The scale of a batch norm, after pass 1 over its input where the kind needs one.
void NormTailForward::normalise(const float* x, const NormParameters& norm, double eps, float* mean,
                                float* variance, float* scale) const {
  if (kind_.training) {
    partial_statistics(plan_, x, means_, squares_);
    merge_statistics(plan_, means_, squares_, mean, variance);
  }
  scale_of(kind_.map.channels, eps, norm.gamma, kind_.training ? variance : norm.variance, scale, nullptr);
}

void NormTailForward::excite() const {
  if (!kind_.training) partial_means(plan_, operands_.x, means_);
  merge_means(plan_, means_, operands_.sample_mean);
  const int64_t channels = kind_.map.channels;
  const float* mean = kind_.training ? operands_.mean : operands_.norm.mean;
  for (int64_t n = 0; n < kind_.map.images; ++n) {
    const float* sample_mean = operands_.sample_mean + n * channels;
    for (int64_t c = 0; c < channels; ++c) {
      q_[n * channels + c] = scale_[c] * (sample_mean[c] - mean[c]) + operands_.norm.beta[c];
    }
  }
  excitation_forward(kind_.excitation(), kind_.gates, q_, operands_.weights, operands_.hidden, h_,
                     operands_.gate);
}

void NormTailForward::run() const {
  const Operands& o = operands_;
  if (kind_.shortcut == Shortcut::kProjected) {
    normalise(o.identity, o.norm2, kind_.eps2, o.mean2, o.variance2, scale2_);
  }
  normalise(o.x, o.norm, kind_.eps, o.mean, o.variance, scale_);
  if (kind_.excites()) excite();
  apply_tail(plan_, {.x = o.x,
                     .scale = scale_,
                     .mean = kind_.training ? o.mean : o.norm.mean,
                     .beta = o.norm.beta,
                     .gate = kind_.excites() ? o.gate : nullptr,
                     .shortcut = kind_.shortcut,
                     .identity = o.identity,
                     .scale2 = scale2_,
                     .mean2 = kind_.training ? o.mean2 : o.norm2.mean,
                     .beta2 = o.norm2.beta,
                     .relu = kind_.relu,
                     .y = o.y,
                     .mask = o.mask});
}

}  // namespace senet::cpu
