// Where pooling windows lie, shared by max_pool, avg_pool and their gradients.
#pragma once

#include <algorithm>

#include "backends/cpu/ops/check.h"
#include "backends/cpu/parallel.h"

namespace senet::cpu {

// Positions [begin, end); empty when end <= begin.
struct Range {
  int64_t begin, end;
  int64_t size() const { return end - begin; }
};

// Pooling along one axis.
struct PoolAxis {
  int64_t input, output, kernel, stride, before, after;

  // First cell of the window of output o; negative in the padding.
  int64_t start(int64_t o) const { return o * stride - before; }
  // The cells of the window that lie in the input.
  Range window(int64_t o) const {
    return {std::max<int64_t>(0, start(o)), std::min(input, start(o) + kernel)};
  }
  // The cells of the window that lie in the input or its padding; a window may run over the padding's end
  // when sizes are rounded up.
  int64_t padded_cells(int64_t o) const { return std::min(start(o) + kernel, input + after) - start(o); }
  // The outputs whose windows hold input i.
  Range covering(int64_t i) const {
    const int64_t first = i + before - kernel + 1;
    return {first <= 0 ? 0 : (first + stride - 1) / stride, std::min(output, (i + before) / stride + 1)};
  }
};

struct PoolWindows {
  PoolAxis rows, columns;
};

// window() of each output of the axis.
inline std::vector<Range> all_windows(const PoolAxis& axis) {
  std::vector<Range> ranges;
  for (int64_t o = 0; o < axis.output; ++o) ranges.push_back(axis.window(o));
  return ranges;
}

// covering() of each input of the axis; computing it takes divisions, too slow for each cell.
inline std::vector<Range> all_covering(const PoolAxis& axis) {
  std::vector<Range> ranges;
  for (int64_t i = 0; i < axis.input; ++i) ranges.push_back(axis.covering(i));
  return ranges;
}

// The windows of a pool node from map x to map y (of its gradient: from dx to dy).
inline PoolWindows pool_windows(const Node& node, const MapLayout& x, const MapLayout& y) {
  const auto kernel = node.integers("kernel");
  const auto stride = node.integers("stride");
  const auto padding = node.integers("padding");
  require(kernel.size() == 2 && stride.size() == 2 && padding.size() == 4, node,
          "kernel, stride and padding");
  for (int64_t k : kernel) require(k >= 1 && k <= INT32_MAX, node, "a kernel of at least 1");
  for (int64_t s : stride) require(s >= 1 && s <= INT32_MAX, node, "a stride of at least 1");
  for (int64_t p : padding) require(p >= 0 && p <= INT32_MAX, node, "no negative padding");
  require(x.images == y.images && x.channels == y.channels && x.block == y.block, node,
          "input and output of equal batch, channels and layout");
  return {{x.height, y.height, kernel[0], stride[0], padding[0], padding[1]},
          {x.width, y.width, kernel[1], stride[1], padding[2], padding[3]}};
}

// Calls body(plane, row) for each row of each plane of the map, over all cores; plane counts images and
// channel blocks.
template <typename Body>
void parallel_rows(const MapLayout& map, const Body& body) {
  parallel_for(map.images * map.blocks() * map.height, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) body(row / map.height, row % map.height);
  });
}

}  // namespace senet::cpu
