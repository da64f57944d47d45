// The transforms of winograd.h in one dimension. In two they are applied to rows, then to columns.
//
// They interpolate at 0, +-a, +-b and infinity, with a = 1/sqrt(2) and b = sqrt(2).
#pragma once

#include <cstdint>

namespace senet::cpu::winograd {

inline constexpr int64_t kTile = 4;           // outputs of a tile in each direction
inline constexpr int64_t kPiece = kTile + 2;  // inputs of a tile in each direction
inline constexpr int64_t kElements = kPiece * kPiece;

inline constexpr double kB = 1.4142135623730951, kA = kB / 2;
inline constexpr float a = kA, a2 = 0.5f, a3 = kA / 2;
inline constexpr float b = kB, b2 = 2.0f, b3 = 2 * kB;
// The weights of the points in G: 1 / product of the distances to the others. That of 0 and infinity is 1.
inline constexpr float weight_a = -2.0f / 3, weight_b = 1.0f / 6;

// B^T x: six inputs.
template <typename V>
inline void transform_input(const V* x, int64_t stride, V* out, int64_t out_stride) {
  const V x0 = x[0], x1 = x[stride], x2 = x[2 * stride], x3 = x[3 * stride], x4 = x[4 * stride],
          x5 = x[5 * stride];
  const V even_a = x4 - b2 * x2, odd_a = a * (x3 - b2 * x1);
  const V even_b = x4 - a2 * x2, odd_b = b * (x3 - a2 * x1);
  out[0] = x0 - (a2 + b2) * x2 + x4;
  out[out_stride] = even_a + odd_a;
  out[2 * out_stride] = even_a - odd_a;
  out[3 * out_stride] = even_b + odd_b;
  out[4 * out_stride] = even_b - odd_b;
  out[5 * out_stride] = x1 - (a2 + b2) * x3 + x5;
}

// G w: a kernel of three.
template <typename V>
inline void transform_kernel(const V* w, int64_t stride, V* out, int64_t out_stride) {
  const V w0 = w[0], w1 = w[stride], w2 = w[2 * stride];
  const V even_a = weight_a * (w0 + a2 * w2), odd_a = weight_a * a * w1;
  const V even_b = weight_b * (w0 + b2 * w2), odd_b = weight_b * b * w1;
  out[0] = w0;
  out[out_stride] = even_a + odd_a;
  out[2 * out_stride] = even_a - odd_a;
  out[3 * out_stride] = even_b + odd_b;
  out[4 * out_stride] = even_b - odd_b;
  out[5 * out_stride] = w2;
}

// A^T m: four outputs of six products.
template <typename V>
inline void transform_products(const V* m, int64_t stride, V* out, int64_t out_stride) {
  const V sum_a = m[stride] + m[2 * stride], difference_a = m[stride] - m[2 * stride];
  const V sum_b = m[3 * stride] + m[4 * stride], difference_b = m[3 * stride] - m[4 * stride];
  out[0] = m[0] + sum_a + sum_b;
  out[out_stride] = a * difference_a + b * difference_b;
  out[2 * out_stride] = a2 * sum_a + b2 * sum_b;
  out[3 * out_stride] = a3 * difference_a + b3 * difference_b + m[5 * stride];
}

// A dy: four gradients of outputs.
template <typename V>
inline void transform_gradient(const V* dy, int64_t stride, V* out, int64_t out_stride) {
  const V d0 = dy[0], d1 = dy[stride], d2 = dy[2 * stride], d3 = dy[3 * stride];
  const V even_a = d0 + a2 * d2, odd_a = a * d1 + a3 * d3;
  const V even_b = d0 + b2 * d2, odd_b = b * d1 + b3 * d3;
  out[0] = d0;
  out[out_stride] = even_a + odd_a;
  out[2 * out_stride] = even_a - odd_a;
  out[3 * out_stride] = even_b + odd_b;
  out[4 * out_stride] = even_b - odd_b;
  out[5 * out_stride] = d3;
}

// G^T u: the gradient of a kernel of three.
template <typename V>
inline void transform_kernel_gradient(const V* u, int64_t stride, V* out, int64_t out_stride) {
  const V sum_a = weight_a * (u[stride] + u[2 * stride]);
  const V difference_a = weight_a * (u[stride] - u[2 * stride]);
  const V sum_b = weight_b * (u[3 * stride] + u[4 * stride]);
  const V difference_b = weight_b * (u[3 * stride] - u[4 * stride]);
  out[0] = u[0] + sum_a + sum_b;
  out[out_stride] = a * difference_a + b * difference_b;
  out[2 * out_stride] = a2 * sum_a + b2 * sum_b + u[5 * stride];
}

}  // namespace senet::cpu::winograd
