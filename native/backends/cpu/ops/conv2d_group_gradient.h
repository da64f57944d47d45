// conv2d_grad_weight by kernels/group_gradient.h.
#pragma once

#include "backends/backend.h"

namespace senet::cpu {

// Whether a gradient in the weight, with its maps as they are stored, is one that this computes faster than oneDNN.
bool is_group_gradient(const Graph& graph, const Node& node);

StepPlan prepare_conv2d_group_gradient(const PrepareContext& context);

}  // namespace senet::cpu
