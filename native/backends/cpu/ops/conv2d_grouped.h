// conv2d and conv2d_fused by kernels/grouped_products.h.
#pragma once

#include "backends/backend.h"

namespace senet::cpu {

// Whether a convolution node, with its maps as they are stored, is one that this computes faster than oneDNN.
bool is_grouped_products(const Graph& graph, const Node& node);

StepPlan prepare_conv2d_grouped(const PrepareContext& context);

}  // namespace senet::cpu
