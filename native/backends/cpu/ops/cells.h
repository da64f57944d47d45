// Walking a map in storage order. A cell is one position of one channel block: `block` adjacent floats. A
// plane is the cells of one image and channel block, one per position.
#pragma once

#include <algorithm>

#include "backends/cpu/layout.h"
#include "backends/cpu/ops/elementwise.h"
#include "backends/cpu/parallel.h"

namespace senet::cpu {

// Calls body(n, channel_block, begin, end) for the parts of planes, positions [begin, end), that make up the
// map, over all cores.
template <typename Body>
void parallel_planes(const MapLayout& map, const Body& body) {
  const int64_t positions = map.positions();
  const int64_t cells = map.images * map.blocks() * positions;
  const int64_t grain = std::max<int64_t>(1, kGrain / map.block);
  parallel_for((cells + grain - 1) / grain, [&](int64_t first, int64_t last) {
    const int64_t end = std::min(cells, last * grain);
    for (int64_t cell = first * grain; cell < end;) {
      const int64_t plane = cell / positions;
      const int64_t stop = std::min(end, (plane + 1) * positions);
      body(plane / map.blocks(), plane % map.blocks(), cell - plane * positions, stop - plane * positions);
      cell = stop;
    }
  });
}

// Calls body(n, begin, end) for runs of positions of images, over all cores; body handles all channels of
// them.
template <typename Body>
void parallel_positions(const MapLayout& map, const Body& body) {
  MapLayout whole = map;
  whole.block = map.channels;
  parallel_planes(whole, [&](int64_t n, int64_t, int64_t begin, int64_t end) { body(n, begin, end); });
}

// y = f(s, x...) with s [N,C] broadcast over positions, for vectors; x... are maps like y and may be y
// itself.
template <typename F, typename... In>
void broadcast_over_positions(const MapLayout& map, const float* s, float* y, const F& f, const In*... x) {
  parallel_planes(map, [&](int64_t n, int64_t channel_block, int64_t begin, int64_t end) {
    const float* per_channel = s + n * map.channels + channel_block * map.block;
    const int64_t plane = map.offset(n, channel_block * map.block, 0);
    if (map.block == kLanes) {
      const Vec lanes = load(per_channel);
      const auto with_lanes = [&](auto... values) { return f(lanes, values...); };
      elementwise_range(plane + begin * kLanes, plane + end * kLanes, y, with_lanes, x...);
      return;
    }
    for (int64_t p = begin; p < end; ++p) {
      const int64_t cell = plane + p * map.block;
      elementwise_range(0, map.block, y + cell, f, per_channel, (x + cell)...);
    }
  });
}

}  // namespace senet::cpu
