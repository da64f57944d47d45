// The exponentials of one row of logits, shared by softmax and softmax_cross_entropy.
#pragma once

#include <cmath>

#include "backends/cpu/ops/elementwise.h"
#include "backends/cpu/ops/vector_math.h"

namespace senet::cpu {

// The greatest of x[0 .. count); NaNs are left out.
inline float row_max(const float* x, int64_t count) {
  float best = x[0];
  int64_t i = 0;
  if (count >= kLanes) {
    Vec lanes = load(x);
    for (i = kLanes; i + kLanes <= count; i += kLanes) lanes = max(load(x + i), lanes);
    for (int64_t lane = 0; lane < kLanes; ++lane) best = lanes[lane] > best ? lanes[lane] : best;
  }
  for (; i < count; ++i) best = x[i] > best ? x[i] : best;
  return best;
}

// p = exp(x - greatest), and their sum. p may be x.
inline float row_exp(const float* x, int64_t count, float greatest, float* p) {
  const Vec shift = broadcast(greatest);
  Vec sum = {};
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    const Vec e = exp(load(x + i) - shift);
    store(p + i, e);
    sum += e;
  }
  float tail = 0;
  if (i < count) {
    const Vec e = exp(load(x + i, count - i) - shift);
    store(p + i, e, count - i);
    for (int64_t lane = 0; lane < count - i; ++lane) tail += e[lane];
  }
  return horizontal_sum(sum) + tail;
}

inline void row_scale(float* p, int64_t count, float factor) {
  const Vec lanes = broadcast(factor);
  elementwise_range(
      0, count, p, [lanes](Vec v) { return v * lanes; }, p);
}

// Calls body(row) for each of `rows` rows of `columns` elements, over all cores.
template <typename Body>
void parallel_matrix_rows(int64_t rows, int64_t columns, const Body& body) {
  const int64_t grain = std::max<int64_t>(1, kGrain / 4 / columns);
  parallel_for((rows + grain - 1) / grain, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin * grain; row < std::min(rows, end * grain); ++row) body(row);
  });
}

}  // namespace senet::cpu
