// norm_activation's forward pass: y = s*act(scale*(x - mean) + beta), and with excitation the squeeze before it.
//
// x, y [N,P,C] of storage T; vectors [N,C] and [C] float. A thread keeps what belongs to its V channels in registers
// and visits positions of one segment (map_sweep.cuh). The squeeze takes sums of t, d and d*(x - mean) over at most 32
// positions a thread; the rows of a block are added in a fixed order, and the segments of an image by a second kernel,
// a thread per (n,c). Statistics are those of norm_tail.
#include "backends/cuda/kernels/norm_activation.cuh"
#include "backends/cuda/kernels/workspace.h"
#include "backends/cuda/launch.cuh"

namespace senet::cuda {
namespace {

template <typename T>
struct ActivationForwardOperands {
  const T* x;          // [N,P,C]
  T* y;                // [N,P,C]
  const float* gamma;  // [C], as the next three
  const float* beta;
  const float* mean;
  const float* variance;
  const float* gate;  // [N,C] or null
  float eps;
  Activation activation;
};

// Of t, d and d*(x - mean); the last two null where nobody wants them.
struct SqueezeSums {
  float* t;
  float* d;
  float* dx;
};

// sums: [images, segments, C] of the sweep. One block per multiprocessor is asked for, as in channel_apply.cuh.
template <typename T, int V, bool kSlopes>
__global__ void __launch_bounds__(kSweepThreads, 1)
    norm_activation_squeeze_kernel(MapSweep sweep, ActivationForwardOperands<T> o, SqueezeSums sums) {
  constexpr int kSums = kSlopes ? 3 : 1;
  SENET_SHARED(float, shared, kSweepThreads / 2 * kSums * V);
  const SweepThread at = sweep_thread<V>(sweep);
  const int64_t channel = at.inside ? at.channel : 0;
  const GatedNorm<V> norm(o.gamma, o.beta, o.mean, o.variance, o.eps, nullptr, channel);
  float values[kSums * V] = {};
  with_activation(o.activation, [&](auto kind) {
    for (int64_t position = at.first(); position < at.last(); position += sweep.rows) {
      float x[V];
      load(o.x + at.element(sweep, position), x);
#pragma unroll
      for (int i = 0; i < V; ++i) {
        const ActivationPoint<decltype(kind)::value> point(norm.at(i, x[i]));
        values[i] += point.t;
        if constexpr (kSlopes) {
          const float d = point.times_slope(1.0f);
          values[V + i] += d;
          values[2 * V + i] = fmaf(d, norm.centred(i, x[i]), values[2 * V + i]);
        }
      }
    }
  });
  combine_rows(values, shared, AddAll());
  if (at.row != 0 || !at.inside) return;
  float* const out[3] = {sums.t, sums.d, sums.dx};
#pragma unroll
  for (int sum = 0; sum < kSums; ++sum) {
    float part[V];
#pragma unroll
    for (int i = 0; i < V; ++i) part[i] = values[sum * V + i];
    store_floats(out[sum] + at.partial, part);
  }
}

// The sums of segments to squeeze, slopes and slopes_x, each [images, C]. A thread per (n,c).
__global__ void __launch_bounds__(256)
    norm_activation_merge_kernel(MapSweep sweep, SqueezeSums partials, float* squeeze, float* slopes,
                                 float* slopes_x) {
  const int64_t i = int64_t{blockIdx.x} * blockDim.x + threadIdx.x;
  if (i >= sweep.images * sweep.channels) return;
  const int64_t n = i / sweep.channels, c = i % sweep.channels;
  squeeze[i] = sum_segments(sweep, partials.t, n, c) / static_cast<float>(sweep.positions);
  if (slopes == nullptr) return;
  slopes[i] = sum_segments(sweep, partials.d, n, c);
  slopes_x[i] = sum_segments(sweep, partials.dx, n, c);
}

template <typename T, int V>
__global__ void __launch_bounds__(kSweepThreads, 1)
    norm_activation_forward_kernel(MapSweep sweep, ActivationForwardOperands<T> o) {
  const SweepThread at = sweep_thread<V>(sweep);
  if (!at.inside) return;
  const GatedNorm<V> norm(o.gamma, o.beta, o.mean, o.variance, o.eps, nullptr, at.channel);
  float gate[V];
#pragma unroll
  for (int i = 0; i < V; ++i) gate[i] = 1.0f;
  if (o.gate != nullptr) load_floats(o.gate + at.image * sweep.channels + at.channel, gate);
  with_activation(o.activation, [&](auto kind) {
    for (int64_t position = at.first(); position < at.last(); position += sweep.rows) {
      const int64_t e = at.element(sweep, position);
      float values[V];
      load(o.x + e, values);
#pragma unroll
      for (int i = 0; i < V; ++i) {
        values[i] = gate[i] * activate(decltype(kind)::value, norm.at(i, values[i]));
      }
      store(o.y + e, values);
    }
  });
}

// The arrays of a forward pass: the caller's where it wants them, otherwise the workspace's.
struct ActivationForwardArrays {
  float* statistics = nullptr;                // partial ones
  float *mean, *variance;                     // [C]
  SqueezeSums partials = {};                  // with excitation, as the next three
  float *squeeze = nullptr, *gate = nullptr;  // [N,C]
  void* excitation = nullptr;

  ActivationForwardArrays(const NormActivationKind& kind, Workspace& workspace, float* const (&given)[4]) {
    const int64_t channels = kind.size.channels, gates = kind.size.images * channels;
    if (kind.training) {
      const int64_t count = most_partials(1, kind.size.images * kind.size.positions, channels);
      statistics = workspace.floats(2 * ((count + 15) / 16 * 16));
    }
    mean = workspace.floats_unless(given[0], channels);
    variance = workspace.floats_unless(given[1], channels);
    if (kind.squeezed == 0) return;
    for (float** sums : {&partials.t, &partials.d, &partials.dx}) {
      *sums = workspace.floats(activation_partials(kind));
    }
    squeeze = workspace.floats_unless(given[2], gates);
    gate = workspace.floats_unless(given[3], gates);
    const size_t bytes = excite_forward_workspace_bytes(activation_excitation(kind));
    excitation = workspace.floats(static_cast<int64_t>(bytes / sizeof(float)) + 1);
  }
};

template <typename T>
ActivationForwardOperands<T> forward_operands(const NormActivationKind& kind,
                                              const NormActivationForward<T>& given,
                                              const ActivationForwardArrays& arrays) {
  ActivationForwardOperands<T> o = {};
  o.x = given.x;
  o.y = given.y;
  o.gamma = given.norm.gamma;
  o.beta = given.norm.beta;
  o.mean = kind.training ? arrays.mean : given.norm.mean;
  o.variance = kind.training ? arrays.variance : given.norm.variance;
  o.gate = arrays.gate;
  o.eps = static_cast<float>(kind.eps);
  o.activation = kind.activation;
  return o;
}

// The squeeze and what follows from it.
template <typename T>
void excite(const NormActivationKind& kind, const NormActivationForward<T>& given,
            const ActivationForwardOperands<T>& o, bool vectors, const ActivationForwardArrays& arrays,
            cudaStream_t stream) {
  constexpr int kWidth = kVectorWidth<T>;
  const MapSweep sweep = activation_sweep(kind, vectors ? kWidth : 1);
  const auto kernel = given.slopes != nullptr ? (vectors ? norm_activation_squeeze_kernel<T, kWidth, true>
                                                         : norm_activation_squeeze_kernel<T, 1, true>)
                                              : (vectors ? norm_activation_squeeze_kernel<T, kWidth, false>
                                                         : norm_activation_squeeze_kernel<T, 1, false>);
  launch("norm_activation_squeeze_kernel", kernel, sweep.grid(), sweep.block(), 0, stream, sweep, o,
         arrays.partials);
  const int64_t gates = kind.size.images * kind.size.channels;
  launch("norm_activation_merge_kernel", norm_activation_merge_kernel,
         dim3(static_cast<unsigned>((gates + 255) / 256)), dim3(256), 0, stream, sweep, arrays.partials,
         arrays.squeeze, given.slopes, given.slopes_x);
  excite_forward(activation_excitation(kind), kind.gates, arrays.squeeze, given.weights, given.hidden,
                 arrays.gate, arrays.excitation, stream);
}

}  // namespace

size_t norm_activation_forward_workspace_bytes(const NormActivationKind& kind) {
  Workspace workspace(nullptr);
  ActivationForwardArrays(kind, workspace, {});
  return workspace.bytes();
}

template <typename T>
void norm_activation_forward(const NormActivationKind& kind, const NormActivationForward<T>& operands,
                             void* workspace, cudaStream_t stream) {
  Workspace scratch(workspace);
  const ActivationForwardArrays arrays(kind, scratch,
                                       {operands.mean, operands.variance, operands.squeeze, operands.gate});
  if (kind.training) {
    const TailKind norm = {.size = kind.size, .training = true, .eps = kind.eps};
    norm_tail_statistics(
        norm, operands.x,
        {operands.norm, operands.sums, kind.eps, true, arrays.mean, arrays.variance, nullptr, nullptr},
        arrays.statistics, stream);
  }
  const ActivationForwardOperands<T> o = forward_operands(kind, operands, arrays);
  const bool vectors =
      is_vectorised<T>(kind.size.channels, o.x, o.y, o.gamma, o.beta, o.mean, o.variance, o.gate);
  if (kind.squeezed > 0) excite(kind, operands, o, vectors, arrays, stream);
  constexpr int kWidth = kVectorWidth<T>;
  const MapSweep sweep = activation_sweep(kind, vectors ? kWidth : 1);
  launch("norm_activation_forward_kernel",
         vectors ? norm_activation_forward_kernel<T, kWidth> : norm_activation_forward_kernel<T, 1>,
         sweep.grid(), sweep.block(), 0, stream, sweep, o);
}

template void norm_activation_forward(const NormActivationKind&, const NormActivationForward<float>&, void*,
                                      cudaStream_t);
template void norm_activation_forward(const NormActivationKind&, const NormActivationForward<__half>&, void*,
                                      cudaStream_t);
template void norm_activation_forward(const NormActivationKind&, const NormActivationForward<__nv_bfloat16>&,
                                      void*, cudaStream_t);

}  // namespace senet::cuda
