// Pass 2 of norm_tail's forward pass, and the whole of it.
//
//   y = relu?( s*(scale*(x - mean) + beta) + i ), i = 0, identity, or scale2*(identity - mean2) + beta2
//
// x, identity, y [N,P,C] of storage T; gate [N,C] and all [C] float; mask: one bit per element of y. A thread
// keeps what belongs to its V channels in registers and visits positions of one segment (map_sweep.cuh): one
// read of x and of identity, one write of y and of the mask. Bits of a byte come from one thread with 8
// elements, or from two neighbours with 4. Where vectors do not start at whole bytes a second kernel takes
// the bits from y, a byte per thread.
#include "backends/cuda/device/activation.cuh"
#include "backends/cuda/device/warp.cuh"
#include "backends/cuda/kernels/norm_tail.cuh"
#include "backends/cuda/kernels/workspace.h"
#include "backends/cuda/launch.cuh"

namespace senet::cuda {
namespace {

template <typename T>
struct TailForwardOperands {
  const T* x;          // [N,P,C]
  const T* identity;   // [N,P,C] or null
  T* y;                // [N,P,C]
  uint8_t* mask;       // [N*P*C/8] or null
  const float* gamma;  // [C], as the next three
  const float* beta;
  const float* mean;
  const float* variance;
  const float* gate;    // [N,C] or null
  const float* gamma2;  // [C], as the next three; for a projected shortcut
  const float* beta2;
  const float* mean2;
  const float* variance2;
  float eps, eps2;
  int32_t relu;
  int32_t unused;
};

// Writes the bits of the warp's vectors. All lanes take part; those outside have no bits.
template <int V>
__device__ void store_bits(uint8_t* mask, int64_t e, bool inside, const float (&values)[V]) {
  unsigned bits = 0;
#pragma unroll
  for (int i = 0; i < V; ++i) bits |= inside && values[i] > 0.0f ? 1u << i : 0u;
  if constexpr (V == 4) bits |= __shfl_down_sync(kAllLanes, bits, 1) << 4;
  if (inside && (e & 7) == 0) mask[e >> 3] = static_cast<uint8_t>(bits);
}

template <typename T, int V, bool kProjected>
__global__ void __launch_bounds__(kSweepThreads)
    norm_tail_forward_kernel(MapSweep sweep, TailForwardOperands<T> o) {
  const SweepThread at = sweep_thread<V>(sweep);
  // Threads without channels take the first ones, and part in shuffles only.
  const int64_t channel = at.inside ? at.channel : 0;
  const float* gate = o.gate == nullptr ? nullptr : o.gate + at.image * sweep.channels + channel;
  const GatedNorm<V> norm(o.gamma, o.beta, o.mean, o.variance, o.eps, gate, channel);
  // Without a projected shortcut nothing uses this, and the compiler drops it.
  const GatedNorm<V> norm2(kProjected ? o.gamma2 : o.gamma, kProjected ? o.beta2 : o.beta,
                           kProjected ? o.mean2 : o.mean, kProjected ? o.variance2 : o.variance, o.eps2,
                           nullptr, channel);
  for (int64_t first = at.begin; first < at.end; first += sweep.rows) {
    const int64_t position = first + at.row;
    const bool inside = position < at.last();
    const int64_t e = at.element(sweep, position);
    float values[V] = {};
    if (inside) {
      float other[V] = {};
      load(o.x + e, values);
      if (o.identity != nullptr) load(o.identity + e, other);
#pragma unroll
      for (int i = 0; i < V; ++i) {
        values[i] = norm.at(i, values[i]) + (kProjected ? norm2.at(i, other[i]) : other[i]);
        other[i] = o.relu != 0 ? rectify(values[i]) : values[i];
      }
      store(o.y + e, other);
    }
    if constexpr (V > 1) {
      if (o.mask != nullptr) store_bits(o.mask, e, inside, values);
    }
  }
}

// y [elements]; mask [ceil(elements/8)].
template <typename T>
__global__ void __launch_bounds__(256) norm_tail_mask_kernel(const T* y, uint8_t* mask, int64_t elements) {
  const int64_t byte = int64_t{blockIdx.x} * blockDim.x + threadIdx.x;
  if (byte * 8 >= elements) return;
  unsigned bits = 0;
  for (int i = 0; i < 8 && byte * 8 + i < elements; ++i)
    bits |= to_float(y[byte * 8 + i]) > 0.0f ? 1u << i : 0u;
  mask[byte] = static_cast<uint8_t>(bits);
}

// The arrays of a forward pass: the caller's where it wants them, otherwise the workspace's.
struct TailForwardArrays {
  float* partials;
  float *mean, *variance, *mean2, *variance2;  // [C]
  float *q, *sample_mean, *gate;               // [N,C]; with excitation
  void* excitation;

  TailForwardArrays(const TailKind& kind, Workspace& workspace, float* const (&given)[6]) {
    const int64_t channels = kind.size.channels, gates = kind.size.images * channels;
    partials = workspace.floats(2 * ((tail_partials(kind) + 15) / 16 * 16));
    mean = workspace.floats_unless(given[0], channels);
    variance = workspace.floats_unless(given[1], channels);
    mean2 = workspace.floats_unless(given[2], channels);
    variance2 = workspace.floats_unless(given[3], channels);
    q = sample_mean = gate = nullptr;
    excitation = nullptr;
    if (kind.squeezed == 0) return;
    q = workspace.floats(gates);
    sample_mean = workspace.floats_unless(given[4], gates);
    gate = workspace.floats_unless(given[5], gates);
    const size_t bytes = excite_forward_workspace_bytes(tail_excitation(kind));
    excitation = workspace.floats(static_cast<int64_t>(bytes / sizeof(float)) + 1);
  }
};

template <typename T>
void apply_tail(const TailKind& kind, const TailForward<T>& tail, const TailForwardArrays& arrays,
                cudaStream_t stream) {
  const int64_t channels = kind.size.channels, elements = kind.size.elements();
  const bool projected = kind.shortcut == Shortcut::kProjected;
  const NormParameters &norm = tail.norm, &norm2 = tail.norm2;
  TailForwardOperands<T> o = {};
  o.x = tail.x;
  o.identity = tail.identity;
  o.y = tail.y;
  o.mask = tail.mask;
  o.gamma = norm.gamma;
  o.beta = norm.beta;
  o.mean = norm.mean;
  o.variance = norm.variance;
  o.gate = arrays.gate;
  o.gamma2 = norm2.gamma;
  o.beta2 = norm2.beta;
  o.mean2 = norm2.mean;
  o.variance2 = norm2.variance;
  if (kind.training) {
    o.mean = arrays.mean;
    o.variance = arrays.variance;
    o.mean2 = arrays.mean2;
    o.variance2 = arrays.variance2;
  }
  o.eps = static_cast<float>(kind.eps);
  o.eps2 = static_cast<float>(kind.eps2);
  o.relu = kind.relu ? 1 : 0;
  const bool vectors =
      is_vectorised<T>(channels, o.x, o.identity, o.y, o.gamma, o.beta, o.mean, o.variance, o.gate) &&
      (!projected || is_aligned(o.gamma2, o.beta2, o.mean2, o.variance2));
  const bool inner_mask = vectors && channels % 8 == 0;
  if (!inner_mask) o.mask = nullptr;
  constexpr int kWidth = kVectorWidth<T>;
  const auto kernel =
      projected
          ? (vectors ? norm_tail_forward_kernel<T, kWidth, true> : norm_tail_forward_kernel<T, 1, true>)
          : (vectors ? norm_tail_forward_kernel<T, kWidth, false> : norm_tail_forward_kernel<T, 1, false>);
  const MapSweep sweep = tail_sweep(kind, vectors ? kWidth : 1);
  launch("norm_tail_forward_kernel", kernel, sweep.grid(), sweep.block(), 0, stream, sweep, o);
  if (tail.mask == nullptr || inner_mask) return;
  const int64_t bytes = (elements + 7) / 8;
  launch("norm_tail_mask_kernel", norm_tail_mask_kernel<T>, dim3(static_cast<unsigned>((bytes + 255) / 256)),
         dim3(256), 0, stream, tail.y, tail.mask, elements);
}

}  // namespace

size_t norm_tail_forward_workspace_bytes(const TailKind& kind) {
  Workspace workspace(nullptr);
  TailForwardArrays(kind, workspace, {});
  return workspace.bytes();
}

template <typename T>
void norm_tail_forward(const TailKind& kind, const TailForward<T>& tail, void* workspace,
                       cudaStream_t stream) {
  Workspace scratch(workspace);
  const TailForwardArrays arrays(
      kind, scratch, {tail.mean, tail.variance, tail.mean2, tail.variance2, tail.sample_mean, tail.gate});
  if (kind.training && kind.shortcut == Shortcut::kProjected) {
    TailKind plain = kind;
    plain.squeezed = 0;
    norm_tail_statistics(
        plain, tail.identity,
        {tail.norm2, tail.sums2, kind.eps2, true, arrays.mean2, arrays.variance2, nullptr, nullptr},
        arrays.partials, stream);
  }
  if (kind.training || kind.squeezed > 0) {
    norm_tail_statistics(kind, tail.x,
                         {tail.norm, tail.sums, kind.eps, kind.training, arrays.mean, arrays.variance,
                          arrays.sample_mean, arrays.q},
                         arrays.partials, stream);
  }
  if (kind.squeezed > 0) {
    excite_forward(tail_excitation(kind), kind.gates, arrays.q, tail.weights, tail.hidden, arrays.gate,
                   arrays.excitation, stream);
  }
  apply_tail(kind, tail, arrays, stream);
}

template void norm_tail_forward(const TailKind&, const TailForward<float>&, void*, cudaStream_t);
template void norm_tail_forward(const TailKind&, const TailForward<__half>&, void*, cudaStream_t);
template void norm_tail_forward(const TailKind&, const TailForward<__nv_bfloat16>&, void*, cudaStream_t);

}  // namespace senet::cuda
