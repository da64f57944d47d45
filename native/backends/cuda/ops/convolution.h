// Convolutions as the steps of conv2d and its gradients use them: problems from nodes, and weights in the form that
// the library reads.
#pragma once

#include "backends/cuda/ops/step.h"

namespace senet::cuda {

// The problem of a conv2d node or one of its gradients. Error (kArgument) when a tensor has another rank or size than
// the computation would read or write.
ConvolutionProblem convolution_problem(const Kit& kit, const PrepareContext& context,
                                       ConvolutionDirection direction, const Value& x, const Value& y,
                                       const Value& weight);

// Of the maps y and x of the convolution.
MapSize output_size(const ConvolutionProblem& problem);
size_t input_bytes(const ConvolutionProblem& problem);

// The size of a weight [K, C/groups, kH, kW] for packing; unpadded.
WeightSize weight_size(const ConvolutionProblem& problem);
size_t packed_bytes(const ConvolutionProblem& problem);

// weight [K, C/groups, kH, kW] float to [K, kH, kW, C/groups] of the problem's storage.
void pack(const ConvolutionProblem& problem, const float* weight, void* packed, cudaStream_t stream);

}  // namespace senet::cuda
