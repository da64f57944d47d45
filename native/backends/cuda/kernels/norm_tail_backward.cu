// norm_tail's gradient but for its first pass: the small stages between the passes, and pass 2.
//
//   ds_nc = scale*GX + beta*G, q_nc = scale*(m - mean) + beta                         before the excitation's
//   gradient dbeta = sum_n (s*G + dq)   dgamma = rstd * sum_n (s*GX + dq*(m - mean))           after it dx =
//   scale*s*g + B*(x - mean) + C,  B = -scale*rstd*dgamma/M,  C = scale*(dq/P - dbeta/M) didentity = g, or
//   for a projected shortcut the same as dx without gate and dq
//
// With running statistics the terms over M are absent. Maps [N,P,C] of storage T, vectors [N,C] and [C]
// float. Small stages: a thread per (n,c), then a block of 8 channels and 32 rows of partial sums, added in a
// fixed order. Pass 2: a thread keeps what belongs to its V channels and visits positions (map_sweep.cuh); it
// reads an element before it writes it and no other thread touches it, so outputs may take the place of
// inputs.
#include "backends/cuda/kernels/norm_tail.cuh"
#include "backends/cuda/kernels/workspace.h"
#include "backends/cuda/launch.cuh"

namespace senet::cuda {
namespace {

struct TailSmallOperands {
  TailSums partials;   // [images, segments, C]
  TailSums sums;       // [images, C]
  const float* gamma;  // [C], as the next three
  const float* beta;
  const float* mean;
  const float* variance;
  const float* variance2;    // [C]; for a projected shortcut
  const float* sample_mean;  // [images, C]; these five with excitation
  const float* gate;         // [images, C]
  const float* dq;           // [images, C]
  float* q;                  // [images, C]
  float* ds;                 // [images, C]
  float* dgamma;             // [C], as the next three
  float* dbeta;
  float* dgamma2;
  float* dbeta2;
  float eps, eps2;
};

// The sums of segments to those of images, q and ds. A thread per (n,c).
__global__ void __launch_bounds__(256) norm_tail_squeeze_kernel(MapSweep sweep, TailSmallOperands o) {
  const int64_t i = int64_t{blockIdx.x} * blockDim.x + threadIdx.x;
  if (i >= sweep.images * sweep.channels) return;
  const int64_t n = i / sweep.channels, c = i % sweep.channels;
  const float g = sum_segments(sweep, o.partials.g, n, c), gx = sum_segments(sweep, o.partials.gx, n, c);
  const float scale = o.gamma[c] * norm_rstd(o.variance[c], o.eps);
  o.sums.g[i] = g;
  o.sums.gx[i] = gx;
  if (o.partials.gx2 != nullptr) o.sums.gx2[i] = sum_segments(sweep, o.partials.gx2, n, c);
  o.q[i] = fmaf(scale, o.sample_mean[i] - o.mean[c], o.beta[c]);
  o.ds[i] = fmaf(scale, gx, o.beta[c] * g);
}

// dgamma, dbeta of both norms, from o.sums as `rows` rows of [rows, C].
__global__ void __launch_bounds__(kGradientChannels* kGradientRows)
    norm_tail_gradient_kernel(int64_t rows, int64_t channels, TailSmallOperands o) {
  SENET_SHARED(float, shared, kSweepThreads / 2 * 4);
  const int64_t c = int64_t{blockIdx.x} * kGradientChannels + threadIdx.x;
  float values[4] = {};  // dbeta, dgamma / rstd, dbeta2, dgamma2 / rstd2
  if (c < channels) {
    for (int64_t row = threadIdx.y; row < rows; row += kGradientRows) {
      const int64_t i = row * channels + c;
      const float g = o.sums.g[i], gx = o.sums.gx[i];
      const float s = o.gate == nullptr ? 1.0f : o.gate[i];
      const float dq = o.gate == nullptr ? 0.0f : o.dq[i];
      const float centred = o.gate == nullptr ? 0.0f : o.sample_mean[i] - o.mean[c];
      values[0] += fmaf(s, g, dq);
      values[1] += fmaf(s, gx, dq * centred);
      values[2] += g;
      if (o.sums.gx2 != nullptr) values[3] += o.sums.gx2[i];
    }
  }
  combine_rows(values, shared, AddAll());
  if (threadIdx.y != 0 || c >= channels) return;
  o.dbeta[c] = values[0];
  o.dgamma[c] = values[1] * norm_rstd(o.variance[c], o.eps);
  if (o.sums.gx2 == nullptr) return;
  o.dbeta2[c] = values[2];
  o.dgamma2[c] = values[3] * norm_rstd(o.variance2[c], o.eps2);
}

// d = A*g + B*(x - mean) + C at V channels.
template <int V>
class NormSlopes {
 public:
  // gate and dq: at the first channel, or null. by_positions 1/P; by_all 1/M, or 0 with running statistics.
  __device__ NormSlopes(const float* gamma, const float* mean, const float* variance, float eps,
                        const float* dgamma, const float* dbeta, const float* gate, const float* dq,
                        int64_t channel, float by_positions, float by_all) {
    float variances[V], gammas[V], dgammas[V], dbetas[V], gates[V], dqs[V] = {};
#pragma unroll
    for (int i = 0; i < V; ++i) gates[i] = 1.0f;
    load_floats(gamma + channel, gammas);
    load_floats(mean + channel, mean_);
    load_floats(variance + channel, variances);
    load_floats(dgamma + channel, dgammas);
    load_floats(dbeta + channel, dbetas);
    if (gate != nullptr) load_floats(gate, gates);
    if (gate != nullptr) load_floats(dq, dqs);
#pragma unroll
    for (int i = 0; i < V; ++i) {
      const float rstd = norm_rstd(variances[i], eps);
      const float scale = gammas[i] * rstd;
      a_[i] = scale * gates[i];
      b_[i] = -scale * rstd * dgammas[i] * by_all;
      c_[i] = scale * (dqs[i] * by_positions - dbetas[i] * by_all);
    }
  }

  // uses_x: B is not zero.
  __device__ void apply(const float (&g)[V], const float (&x)[V], bool uses_x, float (&d)[V]) const {
#pragma unroll
    for (int i = 0; i < V; ++i) {
      d[i] = fmaf(a_[i], g[i], c_[i]);
      if (uses_x) d[i] = fmaf(b_[i], x[i] - mean_[i], d[i]);
    }
  }

 private:
  float a_[V], b_[V], c_[V], mean_[V];
};

template <typename T>
struct TailBackwardOutputs {
  T* dx;                // [N,P,C]
  T* didentity;         // [N,P,C] or null
  const float* dgamma;  // [C], as the next three
  const float* dbeta;
  const float* dgamma2;
  const float* dbeta2;
  const float* dq;  // [N,C] or null
  float by_positions, by_all;
};

template <typename T, int V, MaskFrom kMask, bool kProjected>
__global__ void __launch_bounds__(kSweepThreads)
    norm_tail_backward_kernel(MapSweep sweep, TailGradientOperands<T> o, TailBackwardOutputs<T> out) {
  const SweepThread at = sweep_thread<V>(sweep);
  if (!at.inside) return;
  const int64_t gate_at = at.image * sweep.channels + at.channel;
  const bool uses_x = out.by_all != 0.0f;
  const MaskedGradient<T, V, kMask> gradient(o, at.channel, gate_at);
  const NormSlopes<V> slopes(o.gamma, o.mean, o.variance, o.eps, out.dgamma, out.dbeta,
                             o.gate == nullptr ? nullptr : o.gate + gate_at,
                             o.gate == nullptr ? nullptr : out.dq + gate_at, at.channel, out.by_positions,
                             out.by_all);
  // Without a projected shortcut nothing uses these, and the compiler drops them.
  const NormSlopes<V> slopes2(kProjected ? o.gamma2 : o.gamma, kProjected ? o.mean2 : o.mean,
                              kProjected ? o.variance2 : o.variance, o.eps2,
                              kProjected ? out.dgamma2 : out.dgamma, kProjected ? out.dbeta2 : out.dbeta,
                              nullptr, nullptr, at.channel, 0.0f, out.by_all);
  for (int64_t position = at.first(); position < at.last(); position += sweep.rows) {
    const int64_t e = at.element(sweep, position);
    float x[V] = {}, g[V], d[V];
    if (uses_x || kMask == MaskFrom::kForward) load(o.x + e, x);
    gradient.get(e, x, g);
    slopes.apply(g, x, uses_x, d);
    if constexpr (kProjected) {
      float identity[V] = {};
      if (uses_x) load(o.identity + e, identity);
      store(out.dx + e, d);
      slopes2.apply(g, identity, uses_x, d);
      store(out.didentity + e, d);
    } else {
      store(out.dx + e, d);
      if (out.didentity != nullptr) store(out.didentity + e, g);
    }
  }
}

template <typename T, int V>
auto backward_kernel(MaskFrom mask, bool projected) {
  if (mask == MaskFrom::kForward) return norm_tail_backward_kernel<T, V, MaskFrom::kForward, false>;
  if (mask == MaskFrom::kBits) {
    return projected ? norm_tail_backward_kernel<T, V, MaskFrom::kBits, true>
                     : norm_tail_backward_kernel<T, V, MaskFrom::kBits, false>;
  }
  return projected ? norm_tail_backward_kernel<T, V, MaskFrom::kNone, true>
                   : norm_tail_backward_kernel<T, V, MaskFrom::kNone, false>;
}

struct TailBackwardArrays {
  TailSums partials = {}, sums = {};
  float *q = nullptr, *ds = nullptr, *dq = nullptr;  // [N,C]; with excitation
  void* excitation = nullptr;
  float *dgamma, *dbeta, *dgamma2, *dbeta2;  // [C]

  TailBackwardArrays(const TailKind& kind, Workspace& workspace, float* const (&given)[4]) {
    const int64_t channels = kind.size.channels, gates = kind.size.images * channels;
    const bool projected = kind.shortcut == Shortcut::kProjected;
    const auto take = [&](TailSums& into, int64_t count) {
      into.g = workspace.floats(count);
      into.gx = workspace.floats(count);
      if (projected) into.gx2 = workspace.floats(count);
    };
    take(partials, tail_partials(kind));
    sums = partials;
    dgamma = workspace.floats_unless(given[0], channels);
    dbeta = workspace.floats_unless(given[1], channels);
    dgamma2 = workspace.floats_unless(given[2], channels);
    dbeta2 = workspace.floats_unless(given[3], channels);
    if (kind.squeezed == 0) return;
    take(sums, gates);
    q = workspace.floats(gates);
    ds = workspace.floats(gates);
    dq = workspace.floats(gates);
    const size_t bytes = excite_backward_workspace_bytes(tail_excitation(kind));
    excitation = workspace.floats(static_cast<int64_t>(bytes / sizeof(float)) + 1);
  }
};

template <typename T>
TailGradientOperands<T> gradient_operands(const TailKind& kind, const TailBackward<T>& tail) {
  TailGradientOperands<T> o = {};
  o.dy = tail.dy;
  o.dy_extra = tail.dy_extra;
  o.x = tail.x;
  o.mask = tail.mask;
  if (kind.shortcut == Shortcut::kProjected) o.identity = tail.identity;
  o.gamma = tail.norm.gamma;
  o.beta = tail.norm.beta;
  o.mean = tail.norm.mean;
  o.variance = tail.norm.variance;
  o.gate = kind.squeezed > 0 ? tail.gate : nullptr;
  o.gamma2 = tail.norm2.gamma;
  o.mean2 = tail.norm2.mean;
  o.variance2 = tail.norm2.variance;
  o.eps = static_cast<float>(kind.eps);
  o.eps2 = static_cast<float>(kind.eps2);
  return o;
}

// Between the passes.
template <typename T>
void small_stages(const TailKind& kind, const TailBackward<T>& tail, const MapSweep& sweep,
                  const TailBackwardArrays& arrays, cudaStream_t stream) {
  TailSmallOperands o = {};
  o.partials = arrays.partials;
  o.sums = arrays.sums;
  o.gamma = tail.norm.gamma;
  o.beta = tail.norm.beta;
  o.mean = tail.norm.mean;
  o.variance = tail.norm.variance;
  o.variance2 = tail.norm2.variance;
  o.dgamma = arrays.dgamma;
  o.dbeta = arrays.dbeta;
  o.dgamma2 = arrays.dgamma2;
  o.dbeta2 = arrays.dbeta2;
  o.eps = static_cast<float>(kind.eps);
  o.eps2 = static_cast<float>(kind.eps2);
  const int64_t channels = kind.size.channels;
  int64_t rows = sweep.images * sweep.segments;
  if (kind.squeezed > 0) {
    o.sample_mean = tail.sample_mean;
    o.gate = tail.gate;
    o.dq = arrays.dq;
    o.q = arrays.q;
    o.ds = arrays.ds;
    rows = sweep.images;
    launch("norm_tail_squeeze_kernel", norm_tail_squeeze_kernel,
           dim3(static_cast<unsigned>((rows * channels + 255) / 256)), dim3(256), 0, stream, sweep, o);
    ExcitationGradients gradients = tail.weights;
    gradients.dq = arrays.dq;
    excite_backward(tail_excitation(kind), kind.gates, arrays.ds, arrays.q, tail.hidden, tail.gate, tail.w1,
                    tail.w2, gradients, arrays.excitation, stream);
  }
  launch("norm_tail_gradient_kernel", norm_tail_gradient_kernel,
         dim3(static_cast<unsigned>((channels + kGradientChannels - 1) / kGradientChannels)),
         dim3(kGradientChannels, kGradientRows), 0, stream, rows, channels, o);
}

}  // namespace

size_t norm_tail_backward_workspace_bytes(const TailKind& kind) {
  Workspace workspace(nullptr);
  TailBackwardArrays(kind, workspace, {});
  return workspace.bytes();
}

template <typename T>
void norm_tail_backward(const TailKind& kind, const TailBackward<T>& tail, void* workspace,
                        cudaStream_t stream) {
  const bool projected = kind.shortcut == Shortcut::kProjected;
  Workspace scratch(workspace);
  const TailBackwardArrays arrays(kind, scratch, {tail.dgamma, tail.dbeta, tail.dgamma2, tail.dbeta2});
  const TailGradientOperands<T> o = gradient_operands(kind, tail);
  const bool vectors =
      is_vectorised<T>(kind.size.channels, o.dy, o.dy_extra, o.x, o.identity, o.gamma, o.beta, o.mean,
                       o.variance, o.gate, o.gamma2, o.mean2, o.variance2, tail.dx, tail.didentity,
                       arrays.dgamma, arrays.dbeta, arrays.dgamma2, arrays.dbeta2);
  const int width = vectors ? kVectorWidth<T> : 1;
  const MapSweep sweep = tail_sweep(kind, width);
  norm_tail_sums(kind, sweep, width, o, arrays.partials, stream);
  small_stages(kind, tail, sweep, arrays, stream);
  TailBackwardOutputs<T> out = {};
  out.dx = tail.dx;
  if (kind.shortcut != Shortcut::kNone) out.didentity = tail.didentity;
  out.dgamma = arrays.dgamma;
  out.dbeta = arrays.dbeta;
  out.dgamma2 = arrays.dgamma2;
  out.dbeta2 = arrays.dbeta2;
  out.dq = arrays.dq;
  out.by_positions = 1.0f / static_cast<float>(kind.size.positions);
  out.by_all = kind.training ? out.by_positions / static_cast<float>(kind.size.images) : 0.0f;
  const MaskFrom mask = mask_source(kind);
  launch(
      "norm_tail_backward_kernel",
      vectors ? backward_kernel<T, kVectorWidth<T>>(mask, projected) : backward_kernel<T, 1>(mask, projected),
      sweep.grid(), sweep.block(), 0, stream, sweep, o, out);
}

template void norm_tail_backward(const TailKind&, const TailBackward<float>&, void*, cudaStream_t);
template void norm_tail_backward(const TailKind&, const TailBackward<__half>&, void*, cudaStream_t);
template void norm_tail_backward(const TailKind&, const TailBackward<__nv_bfloat16>&, void*, cudaStream_t);

}  // namespace senet::cuda
