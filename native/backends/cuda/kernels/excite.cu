// The excitation of a squeeze-and-excitation block (paper, Eq. 3) and its gradient:
//
//   v = q W1^T + b1    h = act(v)    s = gate(h W2^T + b2)
//   du = ds * gate'(s)   dv = (du W2) * act'(v)   dq = dv W1
//   dW2 = du^T h   db2 = sum_n du   dW1 = dv^T q   db1 = sum_n dv
//
// q [N,Q], v and h [N,R], s [N,C], w1 [R,Q], w2 [C,R], b1 [R], b2 [C]: float, row-major, any sizes. One block per
// image does both layers, forward or backward; what passes between them goes through global memory, which a
// barrier makes visible to the block. Forward, a warp takes a hidden unit and 8 lanes an output. Backward,
// neighbouring threads take neighbouring columns, so that rows of the weights are read side by side. The
// weights' gradients are a second launch: a block takes a tile of 32x32 of a matrix and adds over images in
// order.
#include <algorithm>

#include "backends/cuda/device/activation.cuh"
#include "backends/cuda/device/warp.cuh"
#include "backends/cuda/kernels/kernels.h"
#include "backends/cuda/kernels/workspace.h"
#include "backends/cuda/launch.cuh"

namespace senet::cuda {
namespace {

constexpr int kExciteThreads = 256;
constexpr int kOutputLanes = 8;
constexpr int kExciteTile = 32;

// The dot product of a [count] and b [count], shared among groups of `lanes` lanes; each of a group's lanes
// gets it. All lanes of the warp take part, with count 0 if they have no work.
template <int lanes>
__device__ float group_dot(const float* a, const float* b, int64_t count) {
  float sum = 0.0f;
#pragma unroll 4
  for (int64_t i = threadIdx.x % lanes; i < count; i += lanes) sum = fmaf(a[i], b[i], sum);
  return warp_sum<lanes>(sum);
}

// out [outputs] = activation(weight [outputs, inputs] in [inputs] + bias [outputs] or null), by the whole
// block; argument [outputs], or null, gets what the activation was taken of.
template <int lanes>
__device__ void fully_connected(Activation kind, const float* in, int64_t inputs, const float* weight,
                                const float* bias, float* argument, float* out, int64_t outputs) {
  constexpr int kGroups = kExciteThreads / lanes;
  for (int64_t first = 0; first < outputs; first += kGroups) {
    const int64_t o = first + threadIdx.x / lanes;
    const bool inside = o < outputs;
    const float sum = group_dot<lanes>(weight + (inside ? o * inputs : 0), in, inside ? inputs : 0);
    if (inside && threadIdx.x % lanes == 0) {
      const float u = bias == nullptr ? sum : sum + bias[o];
      if (argument != nullptr) argument[o] = u;
      out[o] = activate(kind, u);
    }
  }
}

// q [N,Q], hidden [N,R] for v or null, h [N,R], s [N,C]; weights as in the head of this file.
__global__ void __launch_bounds__(kExciteThreads)
    excite_forward_kernel(ExcitationSize size, ExcitationKind kind, const float* q, ExcitationWeights weights,
                          float* hidden, float* h, float* s) {
  const int64_t n = blockIdx.x;
  h += n * size.squeezed;
  fully_connected<kWarp>(kind.hidden, q + n * size.inputs, size.inputs, weights.w1, weights.b1,
                         hidden == nullptr ? nullptr : hidden + n * size.squeezed, h, size.squeezed);
  __syncthreads();
  fully_connected<kOutputLanes>(kind.gate, h, size.squeezed, weights.w2, weights.b2, nullptr,
                                s + n * size.channels, size.channels);
}

// store(column, in [rows] matrix [rows, columns]) for all columns, by the whole block. Neighbouring threads take neighbouring columns; few columns leave threads to split the rows.
// shared: [kExciteThreads].
template <typename Store>
__device__ void row_times_matrix(const float* in, int64_t rows, const float* matrix, int64_t columns,
                                 float* shared, const Store& store) {
  int width = kExciteThreads;
  while (width > kWarp && width / 2 >= columns) width /= 2;
  const int column = static_cast<int>(threadIdx.x) % width, part = static_cast<int>(threadIdx.x) / width;
  const int parts = kExciteThreads / width;
  for (int64_t first = 0; first < columns; first += width) {
    const int64_t c = first + column;
    float sum = 0.0f;
    if (c < columns) {
#pragma unroll 4
      for (int64_t row = part; row < rows; row += parts) sum = fmaf(in[row], matrix[row * columns + c], sum);
    }
    shared[threadIdx.x] = sum;
    __syncthreads();
    if (part == 0 && c < columns) {
      for (int other = 1; other < parts; ++other) sum += shared[other * width + column];
      store(c, sum);
    }
    __syncthreads();
  }
}

// ds, s, du [N,C], hidden, h, dv [N,R], w1 [R,Q], w2 [C,R], dq [N,Q] or null.
__global__ void __launch_bounds__(kExciteThreads)
    excite_backward_kernel(ExcitationSize size, ExcitationKind kind, const float* ds, const float* hidden,
                           const float* s, const float* w1, const float* w2, float* du, float* h, float* dv,
                           float* dq) {
  SENET_SHARED(float, shared, kExciteThreads);
  const int64_t n = blockIdx.x, row = n * size.channels, hidden_row = n * size.squeezed;
  for (int64_t c = threadIdx.x; c < size.channels; c += kExciteThreads) {
    du[row + c] = times_slope(kind.gate, ds[row + c], s[row + c]);
  }
  __syncthreads();
  row_times_matrix(du + row, size.channels, w2, size.squeezed, shared, [=](int64_t r, float dh) {
    const float v = hidden[hidden_row + r];
    h[hidden_row + r] = activate(kind.hidden, v);
    dv[hidden_row + r] = times_slope(kind.hidden, dh, v);
  });
  if (dq == nullptr) return;
  row_times_matrix(dv + hidden_row, size.squeezed, w1, size.inputs, shared,
                   [=](int64_t i, float sum) { dq[n * size.inputs + i] = sum; });
}

// dweight [A,B] = sum over n of a [N,A] and b [N,B], dbias [A] = sum over n of a; either may be null.
struct WeightGradient {
  const float* a;
  const float* b;
  float* dweight;
  float* dbias;
  int64_t a_width, b_width;
};

// Copies kExciteTile images of kExciteTile columns to shared memory; zeros where there are none.
__device__ void load_tile(const float* from, int64_t width, int64_t first_column, int64_t first_image,
                          int64_t images, float* tile) {
  const int column = static_cast<int>(threadIdx.x) % kExciteTile;
  for (int image = static_cast<int>(threadIdx.x) / kExciteTile; image < kExciteTile;
       image += kExciteThreads / kExciteTile) {
    const bool inside = first_column + column < width && first_image + image < images;
    tile[image * kExciteTile + column] =
        inside ? from[(first_image + image) * width + first_column + column] : 0.0f;
  }
}

// A thread takes column threadIdx.x % 32 of b and four columns of a. blockIdx.y picks the matrix.
__global__ void __launch_bounds__(kExciteThreads)
    excite_weights_kernel(int64_t images, WeightGradient first, WeightGradient second) {
  constexpr int kRows = kExciteTile * kExciteTile / kExciteThreads;
  SENET_SHARED(float, a_tile, kExciteTile* kExciteTile);
  SENET_SHARED(float, b_tile, kExciteTile* kExciteTile);
  const WeightGradient g = blockIdx.y == 0 ? first : second;
  const int64_t b_tiles = (g.b_width + kExciteTile - 1) / kExciteTile;
  const int64_t a0 = blockIdx.x / b_tiles * kExciteTile, b0 = blockIdx.x % b_tiles * kExciteTile;
  if (a0 >= g.a_width) images = 0;  // the other matrix has more tiles
  const int column = static_cast<int>(threadIdx.x) % kExciteTile,
            row = static_cast<int>(threadIdx.x) / kExciteTile * kRows;
  float sums[kRows] = {}, bias[kRows] = {};
  for (int64_t n = 0; n < images; n += kExciteTile) {
    load_tile(g.a, g.a_width, a0, n, images, a_tile);
    load_tile(g.b, g.b_width, b0, n, images, b_tile);
    __syncthreads();
    for (int image = 0; image < kExciteTile; ++image) {
#pragma unroll
      for (int i = 0; i < kRows; ++i) {
        const float a = a_tile[image * kExciteTile + row + i];
        sums[i] = fmaf(a, b_tile[image * kExciteTile + column], sums[i]);
        bias[i] += a;
      }
    }
    __syncthreads();
  }
#pragma unroll
  for (int i = 0; i < kRows; ++i) {
    const int64_t a = a0 + row + i, b = b0 + column;
    if (a >= g.a_width) continue;
    if (g.dweight != nullptr && b < g.b_width) g.dweight[a * g.b_width + b] = sums[i];
    if (g.dbias != nullptr && b == 0) g.dbias[a] = bias[i];
  }
}

unsigned tiles_of(const WeightGradient& g) {
  return static_cast<unsigned>((g.a_width + kExciteTile - 1) / kExciteTile *
                               ((g.b_width + kExciteTile - 1) / kExciteTile));
}

}  // namespace

size_t excite_forward_workspace_bytes(const ExcitationSize& size) {
  Workspace workspace(nullptr);
  workspace.floats(size.images * size.squeezed);
  return workspace.bytes();
}

void excite_forward(const ExcitationSize& size, const ExcitationKind& kind, const float* q,
                    const ExcitationWeights& weights, float* hidden, float* s, void* workspace,
                    cudaStream_t stream) {
  float* h = Workspace(workspace).floats(size.images * size.squeezed);
  launch("excite_forward_kernel", excite_forward_kernel, dim3(static_cast<unsigned>(size.images)),
         dim3(kExciteThreads), 0, stream, size, kind, q, weights, hidden, h, s);
}

size_t excite_backward_workspace_bytes(const ExcitationSize& size) {
  Workspace workspace(nullptr);
  workspace.floats(size.images * size.channels);
  workspace.floats(size.images * size.squeezed);
  workspace.floats(size.images * size.squeezed);
  return workspace.bytes();
}

void excite_backward(const ExcitationSize& size, const ExcitationKind& kind, const float* ds, const float* q,
                     const float* hidden, const float* s, const float* w1, const float* w2,
                     const ExcitationGradients& gradients, void* workspace, cudaStream_t stream) {
  Workspace scratch(workspace);
  float* du = scratch.floats(size.images * size.channels);
  float* h = scratch.floats(size.images * size.squeezed);
  float* dv = scratch.floats(size.images * size.squeezed);
  launch("excite_backward_kernel", excite_backward_kernel, dim3(static_cast<unsigned>(size.images)),
         dim3(kExciteThreads), 0, stream, size, kind, ds, hidden, s, w1, w2, du, h, dv, gradients.dq);
  const WeightGradient first = {dv, q, gradients.dw1, gradients.db1, size.squeezed, size.inputs};
  const WeightGradient second = {du, h, gradients.dw2, gradients.db2, size.channels, size.squeezed};
  launch("excite_weights_kernel", excite_weights_kernel, dim3(std::max(tiles_of(first), tiles_of(second)), 2),
         dim3(kExciteThreads), 0, stream, size.images, first, second);
}

}  // namespace senet::cuda
