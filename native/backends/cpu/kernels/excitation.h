// The excitation of a squeeze-and-excitation block and its gradient, shared by `excite` and `norm_tail`:
//   v = q W1^T + b1    h = act(v), act a ReLU or SiLU    s = gate(h W2^T + b2)
// q [N,Q], v and h [N,R], s [N,C], w1 [R,Q], w2 [C,R], b1 [R], b2 [C], all plain row-major. Q = C but for a gate
// that is computed ahead of the convolution it gates. Gradient, from ds: du = ds * gate'(s), dW2 = du^T h,
// db2 = sum_n du, dv = (du W2) * act'(v), dW1 = dv^T q, db1 = sum_n dv, dq = dv W1.
#pragma once

#include <cstdint>

#include "backends/cpu/kernels/activation.h"

namespace senet::cpu {

struct ExcitationKind {
  Activation gate = Activation::kSigmoid;  // one whose slope follows from its value
  Activation hidden = Activation::kRelu;
};

struct ExcitationSize {
  int64_t images, channels, squeezed;
  int64_t inputs = channels;  // width of q
};

struct ExcitationWeights {
  const float* w1 = nullptr;
  const float* b1 = nullptr;  // may be null
  const float* w2 = nullptr;
  const float* b2 = nullptr;  // may be null
};

// hidden [N,R] gets v; null if nobody wants it. h [N,R] is scratch.
void excitation_forward(const ExcitationSize& size, const ExcitationKind& kind, const float* q,
                        const ExcitationWeights& weights, float* hidden, float* h, float* s);

// Outputs of the gradient; each may be null.
struct ExcitationGradients {
  float* dw1 = nullptr;
  float* db1 = nullptr;
  float* dw2 = nullptr;
  float* db2 = nullptr;
  float* dq = nullptr;
};

// hidden [N,R] holds v. du [N,C] holds ds on entry and is overwritten; h and dv [N,R] are scratch.
void excitation_backward(const ExcitationSize& size, const ExcitationKind& kind, float* du, const float* q,
                         const float* hidden, const float* s, const float* w1, const float* w2, float* h,
                         float* dv, const ExcitationGradients& gradients);

}  // namespace senet::cpu
