// The excitation of a squeeze-and-excitation block and its gradient, shared by `excite` and `norm_tail`:
//   h = relu(q W1^T + b1)    s = gate(h W2^T + b2)
// q [N,Q], h [N,R], s [N,C], w1 [R,Q], w2 [C,R], b1 [R], b2 [C], all plain row-major. Q = C but for a gate
// that is computed ahead of the convolution it gates. Gradient, from ds: du = ds * gate'(s), dW2 = du^T h,
// db2 = sum_n du, dh = (du W2) where h > 0, dW1 = dh^T q, db1 = sum_n dh, dq = dh W1.
#pragma once

#include <cstdint>
#include <string>

namespace senet::cpu {

enum class Gate : uint8_t { kSigmoid, kTanh, kRelu };

// The gate of an attribute's text; Error (kArgument) for another word.
Gate gate_of(const std::string& text);

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

void excitation_forward(const ExcitationSize& size, Gate gate, const float* q,
                        const ExcitationWeights& weights, float* hidden, float* s);

// Outputs of the gradient; each may be null.
struct ExcitationGradients {
  float* dw1 = nullptr;
  float* db1 = nullptr;
  float* dw2 = nullptr;
  float* db2 = nullptr;
  float* dq = nullptr;
};

// du [N,C] holds ds on entry and is overwritten; dh [N,R] is scratch.
void excitation_backward(const ExcitationSize& size, Gate gate, float* du, const float* q,
                         const float* hidden, const float* s, const float* w1, const float* w2, float* dh,
                         const ExcitationGradients& gradients);

}  // namespace senet::cpu
