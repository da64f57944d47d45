// norm_activation's gradient: two passes over dy and x, and the small stages between them.
//
//   pass 1: GT = sum g*t, DG = sum d*g, DGX = sum d*g*(x - mean), g = dy + dy_extra
//   ds = GT before the excitation's gradient, e = dq/P after it
//   dbeta = sum_n (s*DG + e*D)   dgamma = rstd * sum_n (s*DGX + e*DX)
//   pass 2: dx = scale*d*(s*g + e) + B*(x - mean) + C,  B = -scale*rstd*dgamma/M,  C = -scale*dbeta/M
//
// With running statistics B and C are 0. Maps [N,P,C] of storage T, vectors [N,C] and [C] float. In the passes a thread
// keeps what belongs to its V channels and visits positions (map_sweep.cuh), at most 32 where it takes sums; the rows
// of its block are added in a fixed order. Small stages: a thread per (n,c), then a block of 8 channels and 32 rows of
// partial sums, added in a fixed order. Pass 2 reads an element before it writes it and no other thread touches it, so
// dx may take the place of an input.
#include "backends/cuda/kernels/norm_activation.cuh"
#include "backends/cuda/kernels/workspace.h"
#include "backends/cuda/launch.cuh"

namespace senet::cuda {
namespace {

// What both passes read.
template <typename T>
struct GradientOperands {
  const T* dy;         // [N,P,C]
  const T* dy_extra;   // [N,P,C] or null
  const T* x;          // [N,P,C]
  const float* gamma;  // [C], as the next three
  const float* beta;
  const float* mean;
  const float* variance;
  const float* gate;  // [N,C] or null
  float eps;
  Activation activation;

  // g at the vector that starts at element e.
  template <int V>
  __device__ void gradient(int64_t e, float (&g)[V]) const {
    load(dy + e, g);
    if (dy_extra == nullptr) return;
    float extra[V];
    load(dy_extra + e, extra);
#pragma unroll
    for (int i = 0; i < V; ++i) g[i] += extra[i];
  }
};

struct GradientSums {
  float* dg;
  float* dgx;
  float* gt;  // with excitation
};

// sums: [images, segments, C] of the sweep. One block per multiprocessor is asked for, as in channel_apply.cuh.
template <typename T, int V, bool kExcites>
__global__ void __launch_bounds__(kSweepThreads, 1)
    norm_activation_sums_kernel(MapSweep sweep, GradientOperands<T> o, GradientSums sums) {
  constexpr int kSums = kExcites ? 3 : 2;
  SENET_SHARED(float, shared, kSweepThreads / 2 * kSums * V);
  const SweepThread at = sweep_thread<V>(sweep);
  const int64_t channel = at.inside ? at.channel : 0;
  const GatedNorm<V> norm(o.gamma, o.beta, o.mean, o.variance, o.eps, nullptr, channel);
  float values[kSums * V] = {};
  with_activation(o.activation, [&](auto kind) {
    for (int64_t position = at.first(); position < at.last(); position += sweep.rows) {
      const int64_t e = at.element(sweep, position);
      float x[V], g[V];
      load(o.x + e, x);
      o.gradient(e, g);
#pragma unroll
      for (int i = 0; i < V; ++i) {
        const ActivationPoint<decltype(kind)::value> point(norm.at(i, x[i]));
        const float dg = point.times_slope(g[i]);
        values[i] += dg;
        values[V + i] = fmaf(dg, norm.centred(i, x[i]), values[V + i]);
        if constexpr (kExcites) values[2 * V + i] = fmaf(g[i], point.t, values[2 * V + i]);
      }
    }
  });
  combine_rows(values, shared, AddAll());
  if (at.row != 0 || !at.inside) return;
  float* const out[3] = {sums.dg, sums.dgx, sums.gt};
#pragma unroll
  for (int sum = 0; sum < kSums; ++sum) {
    float part[V];
#pragma unroll
    for (int i = 0; i < V; ++i) part[i] = values[sum * V + i];
    store_floats(out[sum] + at.partial, part);
  }
}

// The sums of segments to those of images, [images, C]. A thread per (n,c).
__global__ void __launch_bounds__(256)
    norm_activation_segments_kernel(MapSweep sweep, GradientSums partials, GradientSums sums) {
  const int64_t i = int64_t{blockIdx.x} * blockDim.x + threadIdx.x;
  if (i >= sweep.images * sweep.channels) return;
  const int64_t n = i / sweep.channels, c = i % sweep.channels;
  sums.dg[i] = sum_segments(sweep, partials.dg, n, c);
  sums.dgx[i] = sum_segments(sweep, partials.dgx, n, c);
  sums.gt[i] = sum_segments(sweep, partials.gt, n, c);
}

struct ActivationSmallOperands {
  GradientSums sums;      // [rows, C]
  const float* variance;  // [C]
  const float* gate;      // [rows, C]; these four with excitation, else null
  const float* dq;
  const float* slopes;
  const float* slopes_x;
  float* dgamma;  // [C]
  float* dbeta;   // [C]
  float eps, by_positions;
};

// dgamma and dbeta.
__global__ void __launch_bounds__(kGradientChannels* kGradientRows)
    norm_activation_gradient_kernel(int64_t rows, int64_t channels, ActivationSmallOperands o) {
  SENET_SHARED(float, shared, kSweepThreads / 2 * 2);
  const int64_t c = int64_t{blockIdx.x} * kGradientChannels + threadIdx.x;
  float values[2] = {};  // dbeta, dgamma / rstd
  if (c < channels) {
    for (int64_t row = threadIdx.y; row < rows; row += kGradientRows) {
      const int64_t i = row * channels + c;
      float beta = o.sums.dg[i], gamma = o.sums.dgx[i];
      if (o.gate != nullptr) {
        const float s = o.gate[i], e = o.dq[i] * o.by_positions;
        beta = fmaf(s, beta, e * o.slopes[i]);
        gamma = fmaf(s, gamma, e * o.slopes_x[i]);
      }
      values[0] += beta;
      values[1] += gamma;
    }
  }
  combine_rows(values, shared, AddAll());
  if (threadIdx.y != 0 || c >= channels) return;
  o.dbeta[c] = values[0];
  o.dgamma[c] = values[1] * norm_rstd(o.variance[c], o.eps);
}

template <typename T>
struct ActivationBackwardOutputs {
  T* dx;                // [N,P,C]
  const float* dgamma;  // [C]
  const float* dbeta;   // [C]
  const float* dq;      // [N,C] or null
  float by_positions, by_all;
};

// What dx needs of V channels: s, e, B and C.
template <typename T, int V>
struct Slopes {
  float s[V], e[V] = {}, b[V], c[V];

  __device__ Slopes(const GradientOperands<T>& o, const ActivationBackwardOutputs<T>& out,
                    const GatedNorm<V>& norm, int64_t channel, int64_t gate_at) {
    float variance[V], dgamma[V], dbeta[V];
#pragma unroll
    for (int i = 0; i < V; ++i) s[i] = 1.0f;
    load_floats(o.variance + channel, variance);
    load_floats(out.dgamma + channel, dgamma);
    load_floats(out.dbeta + channel, dbeta);
    if (o.gate != nullptr) load_floats(o.gate + gate_at, s);
    if (o.gate != nullptr) load_floats(out.dq + gate_at, e);
#pragma unroll
    for (int i = 0; i < V; ++i) {
      const float by_all = -norm.scale(i) * out.by_all;
      e[i] *= out.by_positions;
      b[i] = by_all * norm_rstd(variance[i], o.eps) * dgamma[i];
      c[i] = by_all * dbeta[i];
    }
  }
};

template <typename T, int V>
__global__ void __launch_bounds__(kSweepThreads, 1)
    norm_activation_backward_kernel(MapSweep sweep, GradientOperands<T> o, ActivationBackwardOutputs<T> out) {
  const SweepThread at = sweep_thread<V>(sweep);
  if (!at.inside) return;
  const GatedNorm<V> norm(o.gamma, o.beta, o.mean, o.variance, o.eps, nullptr, at.channel);
  const Slopes<T, V> slopes(o, out, norm, at.channel, at.image * sweep.channels + at.channel);
  with_activation(o.activation, [&](auto kind) {
    for (int64_t position = at.first(); position < at.last(); position += sweep.rows) {
      const int64_t e = at.element(sweep, position);
      float x[V], g[V];
      load(o.x + e, x);
      o.gradient(e, g);
#pragma unroll
      for (int i = 0; i < V; ++i) {
        const ActivationPoint<decltype(kind)::value> point(norm.at(i, x[i]));
        const float dz = point.times_slope(fmaf(slopes.s[i], g[i], slopes.e[i]));
        g[i] = fmaf(norm.scale(i), dz, fmaf(slopes.b[i], norm.centred(i, x[i]), slopes.c[i]));
      }
      store(out.dx + e, g);
    }
  });
}

struct ActivationBackwardArrays {
  GradientSums partials = {}, sums = {};
  float* dq = nullptr;  // [N,C]; this and the next with excitation
  void* excitation = nullptr;
  float *dgamma, *dbeta;  // [C]

  ActivationBackwardArrays(const NormActivationKind& kind, Workspace& workspace, float* const (&given)[2]) {
    const int64_t channels = kind.size.channels, gates = kind.size.images * channels;
    const auto take = [&](GradientSums& into, int64_t count) {
      into.dg = workspace.floats(count);
      into.dgx = workspace.floats(count);
      if (kind.squeezed > 0) into.gt = workspace.floats(count);
    };
    take(partials, activation_partials(kind));
    sums = partials;
    dgamma = workspace.floats_unless(given[0], channels);
    dbeta = workspace.floats_unless(given[1], channels);
    if (kind.squeezed == 0) return;
    take(sums, gates);
    dq = workspace.floats(gates);
    const size_t bytes = excite_backward_workspace_bytes(activation_excitation(kind));
    excitation = workspace.floats(static_cast<int64_t>(bytes / sizeof(float)) + 1);
  }
};

template <typename T>
GradientOperands<T> gradient_operands(const NormActivationKind& kind,
                                      const NormActivationBackward<T>& given) {
  GradientOperands<T> o = {};
  o.dy = given.dy;
  o.dy_extra = given.dy_extra;
  o.x = given.x;
  o.gamma = given.norm.gamma;
  o.beta = given.norm.beta;
  o.mean = given.norm.mean;
  o.variance = given.norm.variance;
  o.gate = kind.squeezed > 0 ? given.gate : nullptr;
  o.eps = static_cast<float>(kind.eps);
  o.activation = kind.activation;
  return o;
}

// Between the passes.
template <typename T>
void small_stages(const NormActivationKind& kind, const NormActivationBackward<T>& given,
                  const MapSweep& sweep, const ActivationBackwardArrays& arrays, cudaStream_t stream) {
  ActivationSmallOperands o = {};
  o.sums = arrays.sums;
  o.variance = given.norm.variance;
  o.dgamma = arrays.dgamma;
  o.dbeta = arrays.dbeta;
  o.eps = static_cast<float>(kind.eps);
  o.by_positions = 1.0f / static_cast<float>(kind.size.positions);
  const int64_t channels = kind.size.channels;
  int64_t rows = sweep.images * sweep.segments;
  if (kind.squeezed > 0) {
    o.gate = given.gate;
    o.dq = arrays.dq;
    o.slopes = given.slopes;
    o.slopes_x = given.slopes_x;
    rows = sweep.images;
    launch("norm_activation_segments_kernel", norm_activation_segments_kernel,
           dim3(static_cast<unsigned>((rows * channels + 255) / 256)), dim3(256), 0, stream, sweep,
           arrays.partials, arrays.sums);
    ExcitationGradients gradients = given.weights;
    gradients.dq = arrays.dq;
    excite_backward(activation_excitation(kind), kind.gates, arrays.sums.gt, given.squeeze, given.hidden,
                    given.gate, given.w1, given.w2, gradients, arrays.excitation, stream);
  }
  launch("norm_activation_gradient_kernel", norm_activation_gradient_kernel,
         dim3(static_cast<unsigned>((channels + kGradientChannels - 1) / kGradientChannels)),
         dim3(kGradientChannels, kGradientRows), 0, stream, rows, channels, o);
}

}  // namespace

size_t norm_activation_backward_workspace_bytes(const NormActivationKind& kind) {
  Workspace workspace(nullptr);
  ActivationBackwardArrays(kind, workspace, {});
  return workspace.bytes();
}

template <typename T>
void norm_activation_backward(const NormActivationKind& kind, const NormActivationBackward<T>& operands,
                              void* workspace, cudaStream_t stream) {
  constexpr int kWidth = kVectorWidth<T>;
  Workspace scratch(workspace);
  const ActivationBackwardArrays arrays(kind, scratch, {operands.dgamma, operands.dbeta});
  const GradientOperands<T> o = gradient_operands(kind, operands);
  const bool vectors = is_vectorised<T>(kind.size.channels, o.dy, o.dy_extra, o.x, o.gamma, o.beta, o.mean,
                                        o.variance, o.gate, operands.dx, arrays.dgamma, arrays.dbeta);
  const MapSweep sweep = activation_sweep(kind, vectors ? kWidth : 1);
  const auto sums =
      kind.squeezed > 0
          ? (vectors ? norm_activation_sums_kernel<T, kWidth, true> : norm_activation_sums_kernel<T, 1, true>)
          : (vectors ? norm_activation_sums_kernel<T, kWidth, false>
                     : norm_activation_sums_kernel<T, 1, false>);
  launch("norm_activation_sums_kernel", sums, sweep.grid(), sweep.block(), 0, stream, sweep, o,
         arrays.partials);
  small_stages(kind, operands, sweep, arrays, stream);
  ActivationBackwardOutputs<T> out = {};
  out.dx = operands.dx;
  out.dgamma = arrays.dgamma;
  out.dbeta = arrays.dbeta;
  out.dq = arrays.dq;
  out.by_positions = 1.0f / static_cast<float>(kind.size.positions);
  out.by_all = kind.training ? out.by_positions / static_cast<float>(kind.size.images) : 0.0f;
  launch("norm_activation_backward_kernel",
         vectors ? norm_activation_backward_kernel<T, kWidth> : norm_activation_backward_kernel<T, 1>,
         sweep.grid(), sweep.block(), 0, stream, sweep, o, out);
}

template void norm_activation_backward(const NormActivationKind&, const NormActivationBackward<float>&, void*,
                                       cudaStream_t);
template void norm_activation_backward(const NormActivationKind&, const NormActivationBackward<__half>&,
                                       void*, cudaStream_t);
template void norm_activation_backward(const NormActivationKind&,
                                       const NormActivationBackward<__nv_bfloat16>&, void*, cudaStream_t);

}  // namespace senet::cuda
