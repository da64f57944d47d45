// Sums over the positions of maps, in two stages: y [images, C] = factor * sum over positions of source(e), e
// the index of an element. A thread keeps V channels over the positions it visits (map_sweep.cuh); segments
// of an image are added by a second kernel, in order. source.get(e, values) loads the V values at e.
#pragma once

#include "backends/cuda/device/map_sweep.cuh"
#include "backends/cuda/device/vector.cuh"
#include "backends/cuda/kernels/kernels.h"
#include "backends/cuda/launch.cuh"

namespace senet::cuda {

// sums [images, segments, C] of the sweep.
template <typename Source, int V>
__global__ void __launch_bounds__(kSweepThreads)
    position_sum_kernel(MapSweep sweep, Source source, float factor, float* sums) {
  SENET_SHARED(float, shared, kSweepThreads / 2 * V);
  const SweepThread at = sweep_thread<V>(sweep);
  float values[V] = {};
#pragma unroll 4
  for (int64_t position = at.first(); position < at.last(); position += sweep.rows) {
    float here[V];
    source.get(at.element(sweep, position), here);
#pragma unroll
    for (int i = 0; i < V; ++i) values[i] += here[i];
  }
  combine_rows(values, shared, AddAll());
  if (at.row != 0 || !at.inside) return;
#pragma unroll
  for (int i = 0; i < V; ++i) values[i] *= factor;
  store_floats(sums + at.partial, values);
}

inline constexpr int kFinishChannels = 8, kFinishRows = 32;

// sums [images, segments, C], y [images, C]: a block adds the segments of 8 channels of an image. A header's
// kernel: a template, so that each file has its own.
template <typename Source>
__global__ void __launch_bounds__(kFinishChannels* kFinishRows)
    position_sum_finish_kernel(MapSweep sweep, float factor, const float* sums, float* y) {
  SENET_SHARED(float, shared, kSweepThreads / 2);
  const int64_t groups = (sweep.channels + kFinishChannels - 1) / kFinishChannels;
  const int64_t n = blockIdx.x / groups, c = blockIdx.x % groups * kFinishChannels + threadIdx.x;
  float values[1] = {};
  if (c < sweep.channels) {
    for (int64_t segment = threadIdx.y; segment < sweep.segments; segment += kFinishRows) {
      values[0] += sums[(n * sweep.segments + segment) * sweep.channels + c];
    }
  }
  combine_rows(values, shared, AddAll());
  if (threadIdx.y == 0 && c < sweep.channels) y[n * sweep.channels + c] = values[0] * factor;
}

inline size_t position_sum_workspace_bytes(const MapSize& size) {
  return static_cast<size_t>(most_partials(size.images, size.positions, size.channels)) * sizeof(float);
}

// T: the storage of the maps behind the source; vectors: whether they may be read by vectors.
template <typename T, typename Source>
void position_sum(const char* name, const MapSize& size, const Source& source, bool vectors, float factor,
                  float* y, void* workspace, cudaStream_t stream) {
  const MapSweep sweep =
      make_sweep(size.images, size.positions, size.channels, vectors ? kVectorWidth<T> : 1);
  const bool whole = sweep.segments == 1 && is_aligned(y);
  float* sums = whole ? y : static_cast<float*>(workspace);
  launch(name, vectors ? position_sum_kernel<Source, kVectorWidth<T>> : position_sum_kernel<Source, 1>,
         sweep.grid(), sweep.block(), 0, stream, sweep, source, whole ? factor : 1.0f, sums);
  if (whole) return;
  const int64_t groups = (size.channels + kFinishChannels - 1) / kFinishChannels;
  launch("position_sum_finish_kernel", position_sum_finish_kernel<Source>,
         dim3(static_cast<unsigned>(size.images * groups)), dim3(kFinishChannels, kFinishRows), 0, stream,
         sweep, factor, sums, y);
}

// The elements of one map, and the products of two.
template <typename T>
struct MapSource {
  const T* x;  // [images, positions, C]
  template <int V>
  __device__ void get(int64_t e, float (&values)[V]) const {
    load(x + e, values);
  }
};

template <typename T>
struct ProductSource {
  const T* a;  // [images, positions, C]
  const T* b;  // [images, positions, C]
  template <int V>
  __device__ void get(int64_t e, float (&values)[V]) const {
    float other[V];
    load(a + e, values);
    load(b + e, other);
#pragma unroll
    for (int i = 0; i < V; ++i) values[i] *= other[i];
  }
};

}  // namespace senet::cuda
