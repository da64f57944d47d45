// Convolutions as the steps of conv2d and its gradients use them: problems from nodes, and weights in the form that
// the library reads.
#pragma once

#include "backends/cuda/ops/step.h"

namespace senet::cuda {

// Positions of the operands of conv2d, which has no gate and no residual, and conv2d_fused.
namespace conv2d_operands {

enum Input : size_t {
  kX,
  kWeight,
  kBias,
  kGate,
  kResidual,
  // Not from TypeScript: what passes add.
  kShift,
  kInputScale,
  kInputShift
};
// Behind y, for passes, sums over the positions of an image: of y - shift, of its square, of y.
enum Output : size_t { kY, kDeviations, kSquares, kSums };

}  // namespace conv2d_operands

// The problem of a conv2d node or one of its gradients. Error (kArgument) when a tensor has another rank or size than
// the computation would read or write.
ConvolutionProblem convolution_problem(const Kit& kit, const PrepareContext& context,
                                       ConvolutionDirection direction, const Value& x, const Value& y,
                                       const Value& weight);

// The problem of a conv2d or conv2d_fused node with all that the node wants along with it.
ConvolutionProblem forward_problem(const Kit& kit, const PrepareContext& context);

// Whether the library computes what is fused into a forward convolution, and its epilogue not slower than a kernel
// after it.
bool fuses(const Kit& kit, const std::string& layer, const ConvolutionProblem& fused);

// Of the maps y and x of the convolution.
MapSize output_size(const ConvolutionProblem& problem);
size_t input_bytes(const ConvolutionProblem& problem);

// The size of a weight [K, C/groups, kH, kW] for packing; unpadded.
WeightSize weight_size(const ConvolutionProblem& problem);
size_t packed_bytes(const ConvolutionProblem& problem);

// weight [K, C/groups, kH, kW] float to [K, kH, kW, C/groups] of the problem's storage.
void pack(const ConvolutionProblem& problem, const float* weight, void* packed, cudaStream_t stream);

}  // namespace senet::cuda
