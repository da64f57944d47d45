// Pass 1 of norm_tail's backward pass: G = sum g, GX = sum g*(x - mean), and for a projected shortcut
// GX2 = sum g*(identity - mean2), per image, segment of its positions and channel; g = (dy + dy_extra) where
// y > 0.
//
// dy, dy_extra, x, identity [N,P,C] of storage T, mask one bit per element, sums float. A thread keeps the
// sums of its V channels over the positions it visits (map_sweep.cuh), at most 32; the rows of its block are
// added in a fixed order.
#include "backends/cuda/kernels/norm_tail.cuh"
#include "backends/cuda/launch.cuh"

namespace senet::cuda {
namespace {

// sums.g, gx, gx2: [images, segments, C] of the sweep.
template <typename T, int V, MaskFrom kMask, bool kProjected>
__global__ void __launch_bounds__(kSweepThreads)
    norm_tail_sums_kernel(MapSweep sweep, TailGradientOperands<T> o, TailSums sums) {
  constexpr int kSums = kProjected ? 3 : 2;
  SENET_SHARED(float, shared, kSweepThreads / 2 * kSums * V);
  const SweepThread at = sweep_thread<V>(sweep);
  const int64_t channel = at.inside ? at.channel : 0;
  const MaskedGradient<T, V, kMask> gradient(o, channel, at.image * sweep.channels + channel);
  float mean[V], mean2[V], values[kSums * V] = {};
  load_floats(o.mean + channel, mean);
  if constexpr (kProjected) load_floats(o.mean2 + channel, mean2);
#pragma unroll 2
  for (int64_t position = at.first(); position < at.last(); position += sweep.rows) {
    const int64_t e = at.element(sweep, position);
    float x[V], g[V], identity[V];
    load(o.x + e, x);
    if constexpr (kProjected) load(o.identity + e, identity);
    gradient.get(e, x, g);
#pragma unroll
    for (int i = 0; i < V; ++i) {
      values[i] += g[i];
      values[V + i] = fmaf(g[i], x[i] - mean[i], values[V + i]);
      if constexpr (kProjected) values[2 * V + i] = fmaf(g[i], identity[i] - mean2[i], values[2 * V + i]);
    }
  }
  combine_rows(values, shared, AddAll());
  if (at.row != 0 || !at.inside) return;
  float* const out[3] = {sums.g, sums.gx, sums.gx2};
#pragma unroll
  for (int sum = 0; sum < kSums; ++sum) {
    float part[V];
#pragma unroll
    for (int i = 0; i < V; ++i) part[i] = values[sum * V + i];
    store_floats(out[sum] + at.partial, part);
  }
}

template <typename T, int V>
auto sums_kernel(MaskFrom mask, bool projected) {
  if (mask == MaskFrom::kForward) return norm_tail_sums_kernel<T, V, MaskFrom::kForward, false>;
  if (mask == MaskFrom::kBits) {
    return projected ? norm_tail_sums_kernel<T, V, MaskFrom::kBits, true>
                     : norm_tail_sums_kernel<T, V, MaskFrom::kBits, false>;
  }
  return projected ? norm_tail_sums_kernel<T, V, MaskFrom::kNone, true>
                   : norm_tail_sums_kernel<T, V, MaskFrom::kNone, false>;
}

}  // namespace

template <typename T>
void norm_tail_sums(const TailKind& kind, const MapSweep& sweep, int width,
                    const TailGradientOperands<T>& operands, const TailSums& partials, cudaStream_t stream) {
  const bool projected = kind.shortcut == Shortcut::kProjected;
  const auto kernel = width == 1 ? sums_kernel<T, 1>(mask_source(kind), projected)
                                 : sums_kernel<T, kVectorWidth<T>>(mask_source(kind), projected);
  launch("norm_tail_sums_kernel", kernel, sweep.grid(), sweep.block(), 0, stream, sweep, operands, partials);
}

template void norm_tail_sums(const TailKind&, const MapSweep&, int, const TailGradientOperands<float>&,
                             const TailSums&, cudaStream_t);
template void norm_tail_sums(const TailKind&, const MapSweep&, int, const TailGradientOperands<__half>&,
                             const TailSums&, cudaStream_t);
template void norm_tail_sums(const TailKind&, const MapSweep&, int,
                             const TailGradientOperands<__nv_bfloat16>&, const TailSums&, cudaStream_t);

}  // namespace senet::cuda
