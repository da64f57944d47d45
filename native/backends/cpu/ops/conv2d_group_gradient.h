// conv2d_grad_weight by kernels/group_gradient.h.
#pragma once

#include <optional>

#include "backends/backend.h"
#include "backends/cpu/kernels/group_gradient.h"

namespace senet::cpu {

// What a convolution node, with its maps as they are stored, is to that kernel; none where it cannot compute it.
std::optional<GroupGradientProblem> group_gradient_problem(const Graph& graph, const Node& node);

StepPlan prepare_conv2d_group_gradient(const PrepareContext& context);

}  // namespace senet::cpu
