// Grouped 1x1 convolutions of stride 1 of channels-last maps, as matrix products of each group:
//
//   y[p, g*Kg + k] = epilogue( sum over c of x[p, g*Cg + c] * w[g*Kg + k, c] )
//
// for positions p of all images, Cg and Kg channels of a group. oneDNN takes 1.1 to 1.5 times as long by its products,
// longer still by its direct sums.
#pragma once

#include <cstddef>
#include <cstdint>

#include "backends/cpu/kernels/convolution_epilogue.h"

namespace senet::cpu {

struct GroupedProblem {
  int64_t images, positions;  // positions of an image
  int64_t in_channels, out_channels, groups;
};

class GroupedProducts {
 public:
  explicit GroupedProducts(const GroupedProblem& problem);

  size_t weight_bytes() const;
  // weight [K, C/groups] to [group][panel of vectors of K][C/groups][vectors], zeros where the last is not full.
  void pack(const float* weight, float* packed) const;
  static constexpr size_t workspace_bytes() { return 0; }
  void run(const float* x, const float* packed, const ConvolutionEpilogue& epilogue, float* workspace,
           float* y) const;

 private:
  // Output channels [first, first + width) of a group, in `vectors` vectors.
  struct Panel {
    int64_t first, width, vectors;
  };
  template <typename Body>
  void for_panels(const Body& body) const;
  template <int64_t kRows, int64_t kVectors>
  void multiply(int64_t group, const Panel& panel, int64_t row, const float* x, const float* w,
                const ConvolutionEpilogue& epilogue, float* y) const;

  GroupedProblem problem_;
  int64_t depth_, width_, vectors_;  // input channels, output channels and vectors of those of a group
};

}  // namespace senet::cpu
