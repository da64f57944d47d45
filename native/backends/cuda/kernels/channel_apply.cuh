// y = f(x) where f has values of each channel, or of each image and channel, at hand: thread (column, row) of
// a block makes its f once and visits positions (map_sweep.cuh). Function(operands, channel, index of (n,c))
// is that f; f(e, position, values) changes V values loaded from x at element e. x and y [N,P,C] of storage
// T; y may be x.
#pragma once

#include "backends/cuda/device/map_sweep.cuh"
#include "backends/cuda/device/vector.cuh"
#include "backends/cuda/kernels/kernels.h"
#include "backends/cuda/launch.cuh"

namespace senet::cuda {

// One block per multiprocessor is asked for, though more fit: without a number the assembler spills registers of
// large functions to fit a block more.
template <typename T, int V, template <typename, int> typename Function, typename Operands>
__global__ void __launch_bounds__(kSweepThreads, 1)
    channel_apply_kernel(MapSweep sweep, const T* x, T* y, Operands operands) {
  const SweepThread at = sweep_thread<V>(sweep);
  if (!at.inside) return;
  const Function<T, V> function(operands, at.channel, at.image * sweep.channels + at.channel);
  for (int64_t position = at.first(); position < at.last(); position += sweep.rows) {
    const int64_t e = at.element(sweep, position);
    float values[V] = {};
    if (x != nullptr) load(x + e, values);
    function(e, position, values);
    store(y + e, values);
  }
}

// x null: f makes its values from nothing. vectors: whether what the operands point to may be read by
// vectors, too.
template <template <typename, int> typename Function, typename T, typename Operands>
void channel_apply(const char* name, const MapSize& size, bool vectors, const T* x, T* y,
                   const Operands& operands, cudaStream_t stream) {
  vectors = vectors && is_vectorised<T>(size.channels, x, y);
  const MapSweep sweep =
      make_sweep(size.images, size.positions, size.channels, vectors ? kVectorWidth<T> : 1);
  const auto kernel = vectors ? channel_apply_kernel<T, kVectorWidth<T>, Function, Operands>
                              : channel_apply_kernel<T, 1, Function, Operands>;
  launch(name, kernel, sweep.grid(), sweep.block(), 0, stream, sweep, x, y, operands);
}

}  // namespace senet::cuda
