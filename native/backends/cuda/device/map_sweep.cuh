// One read of a map [images, positions, channels] with sums over positions, which most kernels of this
// project are.
//
// A block takes a tile of channels over a segment of one image's positions. Thread (column, row) of the block
// holds vector `column` of the tile and visits every rows-th position of the segment, so what belongs to a
// channel stays in its registers, and a row of threads reads memory side by side. Sums over a segment are
// merged by the rows in a fixed order; sums over an image or the batch by a second kernel from the segments'
// partial ones. A map whose images need not be told apart is swept as one image.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#include "backends/cuda/device/shared.cuh"

namespace senet::cuda {

inline constexpr int kSweepThreads = 256;
// Positions one thread visits at most.
inline constexpr int kSweepRun = 32;

struct MapSweep {
  int64_t images, positions, channels;
  int64_t segment_positions;  // the last segment of an image may be shorter
  uint32_t segments;          // of each image
  uint32_t tiles;             // of channels
  uint32_t columns, rows;     // of a block

  dim3 block() const { return dim3(columns, rows); }
  dim3 grid() const { return dim3(static_cast<unsigned>(blocks())); }
  int64_t blocks() const { return images * segments * tiles; }
  // Number of partial sums: one per image, segment and channel.
  int64_t partials() const { return images * segments * channels; }
};

// width: elements of a vector. The cut depends on sizes alone, so that results do not depend on the GPU.
// Segments shrink until a small batch, too, makes enough blocks to fill it.
inline MapSweep make_sweep(int64_t images, int64_t positions, int64_t channels, int width) {
  constexpr int64_t kEnoughBlocks = 768;
  const int64_t vectors = (channels + width - 1) / width;
  MapSweep sweep = {};
  sweep.images = images;
  sweep.positions = positions;
  sweep.channels = channels;
  sweep.columns = 1;
  while (sweep.columns < 32 && sweep.columns < vectors) sweep.columns *= 2;
  sweep.rows = kSweepThreads / sweep.columns;
  sweep.tiles = static_cast<uint32_t>((vectors + sweep.columns - 1) / sweep.columns);
  const auto segments_of = [&](int64_t length) { return (positions + length - 1) / length; };
  int64_t length = int64_t{sweep.rows} * kSweepRun;
  while (length > 4 * sweep.rows && images * sweep.tiles * segments_of(length) < kEnoughBlocks) length /= 2;
  const int64_t balanced = (positions + segments_of(length) - 1) / segments_of(length);
  sweep.segment_positions = (balanced + sweep.rows - 1) / sweep.rows * sweep.rows;
  sweep.segments = static_cast<uint32_t>(segments_of(sweep.segment_positions));
  return sweep;
}

// Partial sums of the map's sweep for any vector width, for the size of a workspace.
inline int64_t most_partials(int64_t images, int64_t positions, int64_t channels) {
  int64_t most = 0;
  for (int width : {1, 4, 8}) {
    const int64_t partials = make_sweep(images, positions, channels, width).partials();
    most = most > partials ? most : partials;
  }
  return most;
}

// What one thread of a sweep does.
struct SweepThread {
  int64_t image;
  int64_t channel;     // the first of its vector
  int64_t begin, end;  // positions of the segment within the image
  int64_t partial;     // index of its first channel's partial sum
  int32_t column, row;
  bool inside;  // whether its channels exist

  // Index of its first element at a position of the image.
  __device__ int64_t element(const MapSweep& sweep, int64_t position) const {
    return (image * sweep.positions + position) * sweep.channels + channel;
  }
  // First position it visits, and one past the last: none where its channels do not exist.
  __device__ int64_t first() const { return begin + row; }
  __device__ int64_t last() const { return inside ? end : begin; }
};

template <int V>
__device__ inline SweepThread sweep_thread(const MapSweep& sweep) {
  SweepThread at;
  const uint32_t tile = blockIdx.x % sweep.tiles;
  const uint32_t part = blockIdx.x / sweep.tiles;
  const uint32_t segment = part % sweep.segments;
  at.image = part / sweep.segments;
  at.column = static_cast<int32_t>(threadIdx.x);
  at.row = static_cast<int32_t>(threadIdx.y);
  at.channel = (int64_t{tile} * sweep.columns + at.column) * V;
  at.inside = at.channel < sweep.channels;
  at.begin = segment * sweep.segment_positions;
  const int64_t end = at.begin + sweep.segment_positions;
  at.end = end < sweep.positions ? end : sweep.positions;
  at.partial = int64_t{part} * sweep.channels + at.channel;
  return at;
}

// The sum of image n's partial sums [images, segments, C] at channel c, in order.
__device__ inline float sum_segments(const MapSweep& sweep, const float* partials, int64_t n, int64_t c) {
  float sum = 0.0f;
  for (int64_t segment = 0; segment < sweep.segments; ++segment) {
    sum += partials[(n * sweep.segments + segment) * sweep.channels + c];
  }
  return sum;
}

// Gives row 0 the combination of all rows' values: row r takes those of row r + half, then half of the rows
// are left. combine(mine, other) changes the first array. shared: [kSweepThreads / 2 * kValues].
template <int kValues, typename Combine>
__device__ inline void combine_rows(float (&values)[kValues], float* shared, const Combine& combine) {
  constexpr int kStride = kSweepThreads / 2;
  const int columns = static_cast<int>(blockDim.x), row = static_cast<int>(threadIdx.y);
  for (int half = static_cast<int>(blockDim.y) / 2; half > 0; half /= 2) {
    if (row >= half && row < 2 * half) {
      float* slot = shared + (row - half) * columns + threadIdx.x;
#pragma unroll
      for (int i = 0; i < kValues; ++i) slot[i * kStride] = values[i];
    }
    __syncthreads();
    if (row < half) {
      const float* slot = shared + row * columns + threadIdx.x;
      float other[kValues];
#pragma unroll
      for (int i = 0; i < kValues; ++i) other[i] = slot[i * kStride];
      combine(values, other);
    }
    __syncthreads();
  }
}

struct AddAll {
  template <int kValues>
  __device__ void operator()(float (&mine)[kValues], const float (&other)[kValues]) const {
#pragma unroll
    for (int i = 0; i < kValues; ++i) mine[i] += other[i];
  }
};

}  // namespace senet::cuda
