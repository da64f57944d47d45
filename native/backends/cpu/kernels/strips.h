// Convolutions as products over strips: a few neighbouring outputs of a few vectors of channels stay in registers, and
// what they sum up comes from a copy of the input with its padding, small enough for the second level of the cache:
//
//   y[p, k] = epilogue( sum over taps t and channels c of k's group of x[p * stride + t * dilation, c] * w[k, c, t] )
//
// A weight is read once for all positions of a part of a map, and positions make full strips whatever the width of the
// map, both of which oneDNN 2.6's direct sums lack. With AVX2, on one thread, in share of the peak: maps of 7x7 86 %
// instead of 72 %, groups of 8, 16 and 32 channels 56, 75 and 74 % instead of 37, 59 and 65 %, groups of 4, for which
// oneDNN has but reordered products, 36 % instead of 9 %; the rest as good or better by a few percent.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "backends/cpu/kernels/convolution_epilogue.h"
#include "backends/cpu/layout.h"

namespace senet::cpu {

// y = conv(x, weight). Blocks of both maps are multiples of 8.
struct StripProblem {
  MapLayout x, y;
  int64_t groups;
  std::array<int64_t, 2> kernel, stride, dilation;
  int64_t pad_top, pad_left;  // rows and columns of zeros before x; those behind it follow from y
  // Of the gradient in the input, a convolution as well: x is dy, y is dx, and the weight [channels of x, channels of
  // y / groups, kernel] is turned.
  bool turned = false;

  // Whether the maps can be computed so: groups of whole vectors, or of 4 channels.
  bool is_suitable() const;
  // Whether the map itself is what a copy would be.
  bool is_in_place() const;
  // Whether that takes less time than oneDNN's way; a gate that does not go into the weight counts.
  bool pays(bool gated) const;
};

class Strips {
 public:
  // On so many threads.
  Strips(const StripProblem& problem, int64_t threads);

  size_t weight_bytes() const;
  size_t workspace_bytes() const;

  // weight [K, C/groups, kernel], or see `turned`, to the order it is read in, of weight_bytes().
  void pack(const float* weight, float* packed) const;
  // y may be the residual.
  void run(const float* x, const float* packed, const ConvolutionEpilogue& epilogue, float* workspace,
           float* y) const;

 private:
  struct Operands;
  template <int64_t kVectors>
  struct Panel;
  // Some rows of an image's output for a unit of groups.
  struct Part {
    int64_t image, unit, top, positions;
  };
  // Vectors [first, first + count) of a unit's channels: of the input a chunk, of the output a panel.
  struct Vectors {
    int64_t first, count;
  };

  Vectors panel(int64_t index) const;
  Vectors chunk(int64_t index) const;
  int64_t weight_place(int64_t unit, const Vectors& chunk, const Vectors& panel) const;
  void run_part(const Operands& operands, const Part& part, int64_t first_panel, int64_t last_panel) const;
  void copy_input(const Operands& operands, const Part& part, const Vectors& chunk) const;
  template <int64_t kRows, int64_t kVectors, int64_t kWidth>
  void multiply(const Operands& operands, const Panel<kVectors>& panel, int64_t position) const;

  StripProblem problem_;
  int64_t threads_;
  int64_t width_;                     // channels of a group in a vector: 8 or 4
  int64_t units_;                     // groups, or pairs of groups of 4 channels
  int64_t in_vectors_, out_vectors_;  // of a unit
  int64_t panels_, chunks_;           // of a unit
  int64_t rows_, parts_;              // of the output at a time, and how many such parts a map has
  bool in_place_;                     // the input is read where it lies, not from a copy
  bool by_panels_;                    // threads share the panels of each part, not the parts
  int64_t copy_rows_, copy_width_;    // of the copied input
  int64_t copy_floats_, sum_floats_;  // of a thread's workspace
  std::vector<int64_t> places_;       // by position of a part: where the copy has what its first tap reads
  std::vector<int64_t> taps_;         // by vector of a chunk and tap: how far behind that its input lies
};

}  // namespace senet::cpu
