#include "backends/cpu/kernels/excitation.h"

#include <dnnl.h>

#include "backends/cpu/kernels/access.h"
#include "backends/cpu/kernels/small_stage.h"
#include "core/error.h"

namespace senet::cpu {
namespace {

// Up to this many images, weights are read once by plain dot products; above, a matrix product is faster.
constexpr int64_t kFewImages = 4;

// c [m,n] = a b, row-major without padding. transpose_a: a is stored [k,m]; transpose_b: b is stored [n,k].
void multiply(bool transpose_a, bool transpose_b, int64_t m, int64_t n, int64_t k, const float* a,
              const float* b, float* c) {
  const dnnl_status_t status = dnnl_sgemm(transpose_a ? 'T' : 'N', transpose_b ? 'T' : 'N', m, n, k, 1.0f, a,
                                          transpose_a ? m : k, b, transpose_b ? k : n, 0.0f, c, n);
  if (status != dnnl_success) throw Error(ErrorCode::kInternal, "excite: dnnl_sgemm failed");
}

float dot(const float* a, const float* b, int64_t count) {
  Vec sums[4] = {};
  int64_t i = 0;
  for (; i + 4 * kLanes <= count; i += 4 * kLanes) {
    for (int64_t j = 0; j < 4; ++j) sums[j] += load(a + i + j * kLanes) * load(b + i + j * kLanes);
  }
  float rest = 0;
  for (; i < count; ++i) rest += a[i] * b[i];
  return horizontal_sum((sums[0] + sums[1]) + (sums[2] + sums[3])) + rest;
}

// x = x + bias for x [rows, columns]; bias [columns] may be null. active = activation of that; may be x.
void add_bias(int64_t rows, int64_t columns, const float* bias, Activation activation, float* x,
              float* active) {
  with_activation(activation, [&](auto kind) {
    small_stage(rows, columns, [&](int64_t begin, int64_t end) {
      for (int64_t r = begin; r < end; ++r) {
        float *row = x + r * columns, *active_row = active + r * columns;
        for_vectors(columns, [&](auto access, int64_t i) {
          const Vec u = bias != nullptr ? access.get(row + i) + access.get(bias + i) : access.get(row + i);
          if (active != x) access.put(row + i, u);
          access.put(active_row + i, activate<decltype(kind)::value>(u));
        });
      }
    });
  });
}

// d[i] times the slope at saved[i]; see times_slope.
void multiply_slopes(int64_t count, Activation activation, const float* saved, float* d) {
  with_activation(activation, [&](auto kind) {
    for_vectors(count, [&](auto access, int64_t i) {
      access.put(d + i, times_slope<decltype(kind)::value>(access.get(d + i), access.get(saved + i)));
    });
  });
}

// out [images, outputs] = in [images, inputs] weight^T, weight [outputs, inputs].
void fully_connected(int64_t images, int64_t inputs, int64_t outputs, const float* in, const float* weight,
                     float* out) {
  if (images > kFewImages) {
    multiply(false, true, images, outputs, inputs, in, weight, out);
    return;
  }
  small_stage(outputs, images * inputs, [&](int64_t begin, int64_t end) {
    for (int64_t o = begin; o < end; ++o) {
      for (int64_t n = 0; n < images; ++n) {
        out[n * outputs + o] = dot(weight + o * inputs, in + n * inputs, inputs);
      }
    }
  });
}

// sums [columns] over the rows of a [rows, columns].
void column_sums(int64_t rows, int64_t columns, const float* a, float* sums) {
  for (int64_t c = 0; c < columns; ++c) sums[c] = 0;
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t c = 0; c < columns; ++c) sums[c] += a[r * columns + c];
  }
}

}  // namespace

void excitation_forward(const ExcitationSize& size, const ExcitationKind& kind, const float* q,
                        const ExcitationWeights& weights, float* hidden, float* h, float* s) {
  const auto [images, channels, squeezed, inputs] = size;
  float* v = hidden != nullptr ? hidden : h;
  fully_connected(images, inputs, squeezed, q, weights.w1, v);
  add_bias(images, squeezed, weights.b1, kind.hidden, v, h);
  fully_connected(images, squeezed, channels, h, weights.w2, s);
  add_bias(images, channels, weights.b2, kind.gate, s, s);
}

void excitation_backward(const ExcitationSize& size, const ExcitationKind& kind, float* du, const float* q,
                         const float* hidden, const float* s, const float* w1, const float* w2, float* h,
                         float* dv, const ExcitationGradients& gradients) {
  const auto [images, channels, squeezed, inputs] = size;
  const int64_t hidden_count = images * squeezed;
  multiply_slopes(images * channels, kind.gate, s, du);
  with_activation(kind.hidden, [&](auto act) {
    for_vectors(hidden_count, [&](auto access, int64_t i) {
      access.put(h + i, activate<decltype(act)::value>(access.get(hidden + i)));
    });
  });
  if (gradients.dw2 != nullptr) multiply(true, false, channels, squeezed, images, du, h, gradients.dw2);
  if (gradients.db2 != nullptr) column_sums(images, channels, du, gradients.db2);
  multiply(false, false, images, squeezed, channels, du, w2, dv);
  // A ReLU's slope follows from its argument as well.
  multiply_slopes(hidden_count, kind.hidden, hidden, dv);
  if (gradients.dw1 != nullptr) multiply(true, false, squeezed, inputs, images, dv, q, gradients.dw1);
  if (gradients.db1 != nullptr) column_sums(images, squeezed, dv, gradients.db1);
  if (gradients.dq != nullptr) multiply(false, false, images, inputs, squeezed, dv, w1, gradients.dq);
}

}  // namespace senet::cpu
