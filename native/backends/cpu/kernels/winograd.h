// 3x3 convolutions of stride 1 by Winograd's minimal filtering F(4x4, 3x3): a tile of 4x4 outputs costs 36
// products per pair of channels instead of 144 (Lavin and Gray, "Fast Algorithms for Convolutional Neural
// Networks", 2016).
//
//   y = A^T [ (G w G^T) . (B^T x B) ] A        x a 6x6 piece of the input, w a 3x3 kernel, y 4x4 outputs
//   dw = G^T [ (B^T x B) . (A dy A^T) ] G      summed over the tiles
//
// The 36 elements of transformed tiles are independent of each other, so the sums over channels are 36 matrix
// products [tiles, C] x [C, K], and those over tiles [C, tiles] x [tiles, K]. The gradient in x is the
// convolution of dy with the kernels turned by half a turn.
//
// Numbers. Before they cancel, the terms that A^T sums up are up to 7.1 times as large as the result, and
// 5 times in the mean over a tile's outputs (6.0 for G^T), as follows from the sizes of the matrices' rows; so much
// do their roundings weigh more. Measured, the error's rms is 6e-7 to 1.1e-6 of the result's for 64 to 512
// channels, direct sums have 1e-7 to 2e-7. The points of interpolation (winograd_transforms.h) are chosen for
// that: with the customary 0, +-1, +-2 it would be 31 and 2.4e-6.
#pragma once

#include <cstddef>
#include <cstdint>

#include "backends/cpu/kernels/convolution_epilogue.h"
#include "backends/cpu/layout.h"
#include "backends/cpu/parallel.h"

namespace senet::cpu {

enum class WinogradDirection {
  kForward,
  kGradInput,  // a convolution as well: x is dy, y is dx, and the weight [C of x, C of y, 3, 3] is turned
  kGradWeight,
};

// y = conv(x, weight), 3x3, stride 1. Channels and blocks of both maps are multiples of 8.
struct WinogradProblem {
  WinogradDirection direction = WinogradDirection::kForward;
  MapLayout x, y;
  int64_t pad_top = 0, pad_left = 0;  // rows and columns of zeros before x; those behind it follow from y

  // Whether the maps can be computed so.
  bool is_suitable() const;
  // Whether that takes less time than direct sums.
  bool pays() const;
};

// Rows and columns of tiles in an image, and the tiles of all.
struct WinogradTiles {
  explicit WinogradTiles(const MapLayout& y);

  int64_t high, wide, count;
};

class Winograd {
 public:
  explicit Winograd(const WinogradProblem& problem);

  size_t weight_bytes() const;
  size_t workspace_bytes() const;
  // What goes through the workspace in a run, there and back.
  size_t extra_bytes() const;

  // weight [K,C,3,3] (or see kGradInput) to the transformed form, of weight_bytes().
  void pack(const float* weight, float* packed) const;
  // y may be the residual.
  void run(const float* x, const float* packed, const ConvolutionEpilogue& epilogue, float* workspace,
           float* y) const;

 private:
  void multiply(const Team& team, const float* v, const float* packed, int64_t count, float* m) const;
  void transform_outputs(const Team& team, const float* m, int64_t first, int64_t count,
                         const ConvolutionEpilogue& epilogue, float* y) const;

  WinogradProblem problem_;
  WinogradTiles tiles_;
  int64_t width_;                       // output channels, to whole panels
  bool alone_;                          // each thread takes chunks of its own
  int64_t chunk_;                       // tiles at a time
  int64_t input_slice_, output_slice_;  // floats from one of the 36 elements to the next
};

// The gradient in the weight.
class WinogradGradWeight {
 public:
  explicit WinogradGradWeight(const WinogradProblem& problem);

  size_t workspace_bytes() const;
  size_t extra_bytes() const;

  // dweight [K,C,3,3].
  void run(const float* x, const float* dy, float* workspace, float* dweight) const;

 private:
  void transform_gradients(const Team& team, const float* dy, int64_t first, int64_t count, float* m) const;
  void multiply(const Team& team, const float* v, const float* m, int64_t count, bool add, float* u) const;
  void transform_weight_gradient(const Team& team, const float* u, float* dweight) const;

  WinogradProblem problem_;
  WinogradTiles tiles_;
  int64_t width_, chunk_, input_slice_, output_slice_;  // as above
};

}  // namespace senet::cpu
