// The tail of a residual block in two passes over memory, forward and backward; batch norm is the tail with
// nothing riding on it. Letters: P positions of an image, M = N*P; sums over positions are per image and
// channel (n,c).
//
//   z = scale*(x - mean) + beta, scale = gamma*rstd     batch norm of x
//   s = gate(W2 act(W1 q + b1) + b2), q = mean of z     s = 1 without squeeze-and-excitation
//   i = identity, or batch norm of it (projected), or 0
//   y = relu?( s*z + i )
//
// Forward. Pass 1 reads x: mean and M2 per (n,c), from which batch norm's statistics follow by a merge. As z
// is affine in x, q = scale*(m - mean) + beta needs no pass of its own. Pass 2 reads x and identity, writes
// y.
//
// Backward. With g = dy where y > 0, pass 1 takes G = sum g and GX = sum g*(x - mean) per (n,c). Then
//   ds = sum g*z = scale*GX + beta*G, and the excitation's gradient turns ds into dq;
//   z receives s*g + dq/P at each position, so with m the mean of x over the positions of (n,c)
//   dbeta = sum_n (s*G + dq)      dgamma = rstd * sum_n (s*GX + dq*(m - mean))
//   dx = scale*( s*g + dq/P - dbeta/M - (x - mean)*rstd*dgamma/M )     the last two terms: batch statistics
//   only
// which is pass 2 with A = scale*s, B = -scale*rstd*dgamma/M, C = scale*(dq/P - dbeta/M). The projected
// shortcut's norm is the same without gate, on the same g. Everything is exact; see statistics.h for the
// sums.
#pragma once

#include "backends/cpu/kernels/excitation.h"
#include "backends/cpu/kernels/statistics.h"
#include "backends/cpu/kernels/tail_backward.h"
#include "backends/cpu/kernels/workspace.h"

namespace senet::cpu {

struct TailKind {
  MapLayout map;
  Shortcut shortcut = Shortcut::kNone;
  bool relu = false;
  bool training = false;  // batch statistics; otherwise the running ones, which are constants
  double eps = 0;
  double eps2 = 0;       // of the projected shortcut's norm
  int64_t squeezed = 0;  // R; 0 without squeeze-and-excitation
  ExcitationKind gates = {};

  bool excites() const { return squeezed > 0; }
  ExcitationSize excitation() const { return {map.images, map.channels, squeezed}; }
};

class NormTailForward {
 public:
  // Addresses; the ones of parts the kind lacks, and of outputs nobody wants, are null.
  struct Operands {
    const float* x = nullptr;         // map
    NormParameters norm;              // mean, variance not used in training
    const float* identity = nullptr;  // map
    NormParameters norm2;
    ExcitationWeights weights;
    float* y = nullptr;            // map; may be x or identity
    float* mean = nullptr;         // [C]; these four in training
    float* variance = nullptr;     // [C], biased
    float* mean2 = nullptr;        // [C]
    float* variance2 = nullptr;    // [C]
    float* sample_mean = nullptr;  // [N,C]; mean of x per image
    float* hidden = nullptr;       // [N,R]
    float* gate = nullptr;         // [N,C]
    uint8_t* mask = nullptr;       // [ceil(elements/8)]
  };

  explicit NormTailForward(const TailKind& kind) : kind_(kind), plan_(kind.map, kind.excites()) {}

  size_t workspace_bytes() { return lay_out(nullptr); }
  void bind(const Operands& operands, void* workspace);
  void run() const;

 private:
  size_t lay_out(void* workspace);
  void normalise(const float* x, const NormParameters& norm, double eps, float* mean, float* variance,
                 float* scale) const;
  void excite() const;

  TailKind kind_;
  SlabPlan plan_;
  Operands operands_;
  float *means_, *squares_;  // [plan_.partials()]
  float *scale_, *scale2_;   // [C]
  float* q_;                 // [N,C]
  float* h_;                 // [N,R]
};

class NormTailBackward {
 public:
  struct Operands {
    const float* dy = nullptr;        // map
    const float* dy_extra = nullptr;  // map
    const float* x = nullptr;         // map
    NormParameters norm;              // beta only for a gate or a ReLU without shortcut
    const float* identity = nullptr;  // map; for a projected shortcut
    NormParameters norm2;             // beta not used
    const float* w1 = nullptr;
    const float* w2 = nullptr;
    const float* sample_mean = nullptr;  // [N,C]
    const float* hidden = nullptr;       // [N,R]
    const float* gate = nullptr;         // [N,C]
    const uint8_t* mask = nullptr;
    float* dx = nullptr;      // map; may be x, and without shortcut dy or dy_extra
    float* dgamma = nullptr;  // [C], as the next three
    float* dbeta = nullptr;
    float* dgamma2 = nullptr;
    float* dbeta2 = nullptr;
    float* didentity = nullptr;   // map; may be dy or dy_extra
    ExcitationGradients weights;  // without dq
  };

  // has_didentity: a shortcut's gradient is an output; otherwise the workspace holds it.
  NormTailBackward(const TailKind& kind, bool has_didentity)
      : kind_(kind), plan_(kind.map, kind.excites()), has_didentity_(has_didentity) {}

  size_t workspace_bytes() { return lay_out(nullptr); }
  void bind(const Operands& operands, void* workspace);
  void run() const;

 private:
  size_t lay_out(void* workspace);
  void excite() const;
  void norm_gradient() const;
  void slopes() const;
  TailBackward passes() const;

  TailKind kind_;
  SlabPlan plan_;
  bool has_didentity_;
  Operands operands_;
  TailSums partials_;          // [plan_.partials()]
  TailSums sums_;              // [plan_.images(), C]
  float *scale_, *rstd_;       // [C]
  float *scale2_, *rstd2_;     // [C]
  float *b_, *c_, *b2_, *c2_;  // [C], c_ [N,C] with a gate
  float *q_, *ds_, *dq_;       // [N,C]
  float *h_, *dv_;             // [N,R]
};

}  // namespace senet::cpu
