// Sums over the positions of a map, per image and channel, in an order that does not depend on the threads:
// floats over runs of at most kRun positions, doubles over the runs.
#pragma once

#include <algorithm>

#include "backends/cpu/ops/elementwise.h"

namespace senet::cpu {

// A channel block is summed in groups of up to this many vectors of channels, so that channels-last maps are
// read in whole cache lines.
inline constexpr int kGroup = 8;

// out[0 .. kVectors * 8) = scale * sum over positions of term(start + p * stride + 8 * vector, width).
// kUnroll positions are summed side by side to hide the latency of the additions.
template <int kVectors, int kUnroll, typename Term>
void sum_group(int64_t start, int64_t stride, int64_t positions, double scale, const Term& term,
               int64_t width, float* out) {
  constexpr int64_t kRun = int64_t{64} * kUnroll;
  double totals[kVectors * kLanes] = {};
  for (int64_t begin = 0; begin < positions; begin += kRun) {
    const int64_t end = std::min(positions, begin + kRun);
    Vec sums[kVectors][kUnroll] = {};
    int64_t p = begin;
    for (; p + kUnroll <= end; p += kUnroll) {
      for (int v = 0; v < kVectors; ++v) {
        for (int u = 0; u < kUnroll; ++u) {
          sums[v][u] += term(start + (p + u) * stride + v * kLanes, width);
        }
      }
    }
    for (; p < end; ++p) {
      for (int v = 0; v < kVectors; ++v) sums[v][0] += term(start + p * stride + v * kLanes, width);
    }
    for (int v = 0; v < kVectors; ++v) {
      for (int u = 1; u < kUnroll; ++u) sums[v][0] += sums[v][u];
      for (int64_t lane = 0; lane < kLanes; ++lane) totals[v * kLanes + lane] += sums[v][0][lane];
    }
  }
  const int64_t channels = (kVectors - 1) * kLanes + width;
  for (int64_t c = 0; c < channels; ++c) out[c] = static_cast<float>(totals[c] * scale);
}

// y[n,c] = scale * sum over positions of term. term(i, width) gives `width` neighbouring elements from
// storage index i on, and 0 in the other lanes.
template <typename Term>
void position_sum(const MapLayout& map, double scale, float* y, const Term& term) {
  const int64_t vectors = (map.block + kLanes - 1) / kLanes;
  const int64_t groups = (vectors + kGroup - 1) / kGroup;
  const int64_t positions = map.positions();
  const int64_t units = map.images * map.blocks() * groups;
  const int64_t unit_elements = positions * std::min<int64_t>(map.block, kGroup * kLanes);
  const int64_t grain = std::max<int64_t>(1, kGrain / unit_elements);
  parallel_for((units + grain - 1) / grain, [&](int64_t first, int64_t last) {
    for (int64_t unit = first * grain; unit < std::min(units, last * grain); ++unit) {
      const int64_t plane = unit / groups;
      const int64_t from = unit % groups * kGroup * kLanes;
      const int64_t to = std::min(map.block, from + kGroup * kLanes);
      const int64_t start = plane * positions * map.block;
      float* out = y + plane * map.block;
      if (to - from == kGroup * kLanes) {
        sum_group<kGroup, 1>(start + from, map.block, positions, scale, term, kLanes, out + from);
        continue;
      }
      int64_t c = from;
      for (; c + kLanes <= to; c += kLanes) {
        sum_group<1, 4>(start + c, map.block, positions, scale, term, kLanes, out + c);
      }
      if (c < to) sum_group<1, 1>(start + c, map.block, positions, scale, term, to - c, out + c);
    }
  });
}

}  // namespace senet::cpu
