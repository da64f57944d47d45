// Activations that follow a convolution in inference become part of it (conv2d_fused), where oneDNN has them.
#pragma once

#include <optional>

#include "backends/cpu/kernels/activation.h"
#include "core/graph.h"

namespace senet::cpu {

// Moves activations into the convolutions whose only use they are. Nodes that another algorithm will compute than
// oneDNN's are marked before.
Graph fuse_activations(Graph graph);

// The activation of a convolution, by its `relu` or moved into it.
std::optional<Activation> fused_activation(const Node& node);

}  // namespace senet::cpu
