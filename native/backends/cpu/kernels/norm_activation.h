// Batch norm, activation, and squeeze-and-excitation behind them, in as few passes over memory as there can be, forward
// and backward. Letters: P positions of an image, M = N*P; sums over positions are per image and channel (n,c).
//
//   z = scale*(x - mean) + beta, scale = gamma*rstd     batch norm of x
//   t = act(z), d = act'(z)
//   s = gate(W2 act(W1 q + b1) + b2), q = mean of t     s = 1 without squeeze-and-excitation
//   y = s*t
//
// Forward. With batch statistics, pass 1 reads x for them (statistics.h). With squeeze-and-excitation, the squeeze
// reads x: t is not affine in x, so q does not follow from the statistics; for the gradient it also takes
// D = sum d and DX = sum d*(x - mean). The last pass reads x and writes y.
//
// Backward. With g = dy, pass 1 reads dy and x: GT = sum g*t, DG = sum d*g, DGX = sum d*g*(x - mean). Then ds = GT, the
// excitation's gradient turns ds into dq, and t receives s*g + e at each position, e = dq/P, so that
//   dbeta = sum_n (s*DG + e*D)      dgamma = rstd * sum_n (s*DGX + e*DX)
//   dx = scale*( d*(s*g + e) - dbeta/M - (x - mean)*rstd*dgamma/M )    the last two terms: batch statistics only
// which is pass 2: it reads dy and x and writes dx. Both find t and d again from x, so nothing else of a map's size is
// kept. Everything is exact.
#pragma once

#include "backends/cpu/kernels/excitation.h"
#include "backends/cpu/kernels/statistics.h"
#include "backends/cpu/kernels/workspace.h"

namespace senet::cpu {

struct NormActivationKind {
  MapLayout map;
  Activation activation = Activation::kRelu;
  bool training = false;  // batch statistics; otherwise the running ones, which are constants
  double eps = 0;
  int64_t squeezed = 0;  // R; 0 without squeeze-and-excitation
  ExcitationKind gates = {};

  bool excites() const { return squeezed > 0; }
  ExcitationSize excitation() const { return {map.images, map.channels, squeezed}; }
  int64_t gate_count() const { return map.images * map.channels; }
  int64_t hidden_count() const { return map.images * squeezed; }
};

class NormActivationForward {
 public:
  // Addresses; the ones of parts the kind lacks, and of outputs nobody wants, are null.
  struct Operands {
    const float* x = nullptr;  // map
    NormParameters norm;       // mean, variance not used in training
    ExcitationWeights weights;
    float* y = nullptr;         // map; may be x
    float* mean = nullptr;      // [C]; these two in training
    float* variance = nullptr;  // [C], biased
    float* squeeze = nullptr;   // [N,C]; q
    float* hidden = nullptr;    // [N,R]
    float* gate = nullptr;      // [N,C]
    float* slopes = nullptr;    // [N,C]; D and DX: both or none
    float* slopes_x = nullptr;  // [N,C]
  };

  explicit NormActivationForward(const NormActivationKind& kind)
      : kind_(kind), plan_(kind.map, kind.excites()) {}

  size_t workspace_bytes() { return lay_out(nullptr); }
  void bind(const Operands& operands, void* workspace);
  void run() const;

 private:
  size_t lay_out(void* workspace);
  void excite() const;

  NormActivationKind kind_;
  SlabPlan plan_;
  Operands operands_;
  float* partials_[3];  // [plan_.partials()]
  float* scale_;        // [C]
  float* h_;            // [N,R]
};

class NormActivationBackward {
 public:
  struct Operands {
    const float* dy = nullptr;        // map
    const float* dy_extra = nullptr;  // map
    const float* x = nullptr;         // map
    NormParameters norm;
    const float* w1 = nullptr;
    const float* w2 = nullptr;
    const float* squeeze = nullptr;   // [N,C]; these as the forward pass gave them out
    const float* hidden = nullptr;    // [N,R]
    const float* gate = nullptr;      // [N,C]
    const float* slopes = nullptr;    // [N,C]
    const float* slopes_x = nullptr;  // [N,C]
    float* dx = nullptr;              // map; may be x, dy or dy_extra
    float* dgamma = nullptr;          // [C]
    float* dbeta = nullptr;           // [C]
    ExcitationGradients weights;      // without dq
  };

  explicit NormActivationBackward(const NormActivationKind& kind)
      : kind_(kind), plan_(kind.map, kind.excites()) {}

  size_t workspace_bytes() { return lay_out(nullptr); }
  void bind(const Operands& operands, void* workspace);
  void run() const;

 private:
  size_t lay_out(void* workspace);
  void reduce() const;
  void excite() const;
  void norm_gradient() const;
  void apply() const;

  NormActivationKind kind_;
  SlabPlan plan_;
  Operands operands_;
  float* partials_[3];     // [plan_.partials()]; of DG, DGX, GT
  float* sums_[3];         // [plan_.images(), C]
  float *scale_, *rstd_;   // [C]
  float *slope_, *shift_;  // [C]; dx = scale*d*(s*g + e) + slope*(x - mean) + shift
  float* e_;               // [N,C]
  float *h_, *dv_;         // [N,R]
};

}  // namespace senet::cpu
