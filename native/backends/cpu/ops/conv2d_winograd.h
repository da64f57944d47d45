// conv2d, conv2d_fused and the gradients of conv2d by Winograd's algorithm (kernels/winograd.h), where lower() says so.
#pragma once

#include <optional>

#include "backends/backend.h"
#include "backends/cpu/kernels/winograd.h"

namespace senet::cpu {

// The problem of a convolution node that the algorithm can compute with its maps as they are stored, or nothing.
std::optional<WinogradProblem> winograd_problem(const Graph& graph, const Node& node);

// Of nodes with ConvolutionAlgorithm::kWinograd.
StepPlan prepare_conv2d_winograd(const PrepareContext& context);  // and conv2d_grad_input
StepPlan prepare_conv2d_grad_weight_winograd(const PrepareContext& context);

}  // namespace senet::cpu
