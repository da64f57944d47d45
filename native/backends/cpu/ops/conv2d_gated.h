// conv2d_fused with a gate, where an image's weight is smaller than its output: act(gate * (conv + bias) + residual) is a
// convolution by gate * weight and gate * bias, so each image gets a weight of its own and nothing is left to do behind it.
#pragma once

#include "backends/backend.h"
#include "backends/cpu/convolution.h"

namespace senet::cpu {

// Whether an image has so many outputs for its weight that to gate the weight is little beside a pass over them.
bool is_small_for_outputs(const ConvolutionProblem& problem);

// Whether that takes less time than a pass over the output; false without a gate.
bool gates_weight(const PrepareContext& context);

StepPlan prepare_conv2d_gated(const PrepareContext& context);

}  // namespace senet::cpu
