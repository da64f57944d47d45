// The gradient in the weight of convolutions whose groups have 1, 2 or 4 channels on either side:
//
//   dw[k, c, i, j] = sum over n, r, q of dy[n, r, q, k] * x[n, u, v, g + c]
//
// where u = r*stride + i*dilation - pad, v = q*stride + j*dilation - pad, and g is the first channel of k's group. A
// vector holds whole groups. Lane l of dy meets lane l ^ d of x, d below the channels of a group, so that each channel
// meets all of its group. oneDNN computes most of them as many small matrix products: depthwise ones of 5x5 take 8 to
// 20 times as long so.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "backends/cpu/layout.h"

namespace senet::cpu {

struct GroupGradientProblem {
  MapLayout x, y;
  int64_t group;  // channels
  std::array<int64_t, 2> kernel, stride, dilation;
  int64_t pad_top, pad_left;

  // Whether the maps can be computed so.
  bool is_suitable() const;
  // Whether that takes less time than oneDNN does.
  bool pays() const;
};

class GroupGradient {
 public:
  explicit GroupGradient(const GroupGradientProblem& problem);

  size_t workspace_bytes() const;
  // dweight [K, group, height, width].
  void run(const float* x, const float* dy, float* workspace, float* dweight) const;

 private:
  template <int64_t kGroup>
  void add_image(int64_t image, int64_t channel, const float* x, const float* dy, float* sums) const;
  template <int64_t kGroup, int64_t kTaps>
  void add_taps(int64_t image, int64_t channel, int64_t first, const float* x, const float* dy,
                float* sums) const;
  void merge(const float* sums, int64_t vector, float* dweight) const;
  // Floats of the sums of eight channels.
  int64_t vector_sums() const;

  GroupGradientProblem problem_;
  int64_t vectors_, chunks_;  // of channels and images; sums of different chunks are added up at the end
};

}  // namespace senet::cpu
