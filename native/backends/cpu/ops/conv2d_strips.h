// conv2d, conv2d_fused and conv2d_grad_input by products over strips (kernels/strips.h), where lower() says so.
#pragma once

#include <optional>

#include "backends/backend.h"
#include "backends/cpu/convolution.h"
#include "backends/cpu/kernels/strips.h"

namespace senet::cpu {

// What the strips would compute for a convolution whose maps lie in the given blocks, or nothing where they can't. With
// AVX-512, whose registers they do not fill, oneDNN is faster.
std::optional<StripProblem> strip_problem(const ConvolutionProblem& problem, int64_t x_block,
                                          int64_t y_block);

// Of nodes with ConvolutionAlgorithm::kStrips.
StepPlan prepare_conv2d_strips(const PrepareContext& context);

}  // namespace senet::cpu
