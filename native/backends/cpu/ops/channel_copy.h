// Copies between channel ranges of maps whose channel blocks may differ: a slice of a blocked map can have a
// channel count that no block divides.
#pragma once

#include <algorithm>

#include "backends/cpu/ops/cells.h"

namespace senet::cpu {

// Copies `width` neighbouring channels of positions [begin, end); x and y point to position 0, the steps are
// the distances between positions.
inline void copy_lanes(const float* x, int64_t x_step, float* y, int64_t y_step, int64_t width, int64_t begin,
                       int64_t end) {
  if (x_step == width && y_step == width) {
    std::copy(x + begin * width, x + end * width, y + begin * width);
  } else if (width == kLanes) {
    for (int64_t p = begin; p < end; ++p) store(y + p * y_step, load(x + p * x_step));
  } else {
    for (int64_t p = begin; p < end; ++p) std::copy_n(x + p * x_step, width, y + p * y_step);
  }
}

// Copies channels [from, from + count) of map x to channels [to, to + count) of map y, for image n and
// positions [begin, end).
inline void copy_channels(const MapLayout& x_map, const float* x, int64_t from, const MapLayout& y_map,
                          float* y, int64_t to, int64_t count, int64_t n, int64_t begin, int64_t end) {
  // Between different blocks a cache line is needed for several runs of channels: a few positions at a time.
  const int64_t step = x_map.block == y_map.block ? end - begin : 64;
  for (int64_t tile = begin; tile < end; tile += step) {
    const int64_t tile_end = std::min(end, tile + step);
    for (int64_t done = 0; done < count;) {
      const int64_t x_left = x_map.block - (from + done) % x_map.block;
      const int64_t y_left = y_map.block - (to + done) % y_map.block;
      const int64_t width = std::min({count - done, x_left, y_left});
      copy_lanes(x + x_map.offset(n, from + done, 0), x_map.block, y + y_map.offset(n, to + done, 0),
                 y_map.block, width, tile, tile_end);
      done += width;
    }
  }
}

// Sets channels [to, to + count) of map y to zero, for image n and positions [begin, end).
inline void zero_channels(const MapLayout& y_map, float* y, int64_t to, int64_t count, int64_t n,
                          int64_t begin, int64_t end) {
  for (int64_t done = 0; done < count;) {
    const int64_t width = std::min(count - done, y_map.block - (to + done) % y_map.block);
    float* lanes = y + y_map.offset(n, to + done, 0);
    for (int64_t p = begin; p < end; ++p) std::fill_n(lanes + p * y_map.block, width, 0.0f);
    done += width;
  }
}

// Maps of equal batch and positions; their channels and blocks may differ.
inline void require_same_positions(const Node& node, const MapLayout& a, const MapLayout& b) {
  require(a.images == b.images && a.height == b.height && a.width == b.width, node,
          "maps that differ in their channels alone");
}

}  // namespace senet::cpu
