// How a feature map lies in memory: (N, C/block, H, W, block). block = C is channels-last, 8 and 16 are the
// layouts that oneDNN's AVX2 and AVX-512 convolutions like best. One formula for all, so every pass over a
// map is written once.
#pragma once

#include <cstdint>

#include "core/graph.h"

namespace senet::cpu {

struct MapLayout {
  int64_t images, channels, height, width, block;

  int64_t positions() const { return height * width; }
  int64_t blocks() const { return channels / block; }
  int64_t image_elements() const { return channels * positions(); }
  int64_t elements() const { return images * image_elements(); }
  // Element index of image n, channel c, position p = h * width + w.
  int64_t offset(int64_t n, int64_t c, int64_t p) const {
    return n * image_elements() + (c / block) * positions() * block + p * block + c % block;
  }
};

// The layout of a map; a vector [N,C] counts as a channels-last map with one position.
inline MapLayout layout_of(const Value& value) {
  const auto& s = value.shape;
  if (!value.is_map()) return {s[0], s[1], 1, 1, s[1]};
  return {s[0], s[3], s[1], s[2], value.block == 0 ? s[3] : value.block};
}

}  // namespace senet::cpu
