// Global average pools of what a convolution writes in inference become an output of it, so that nothing reads the map
// for them again: the squeeze of an SE block, and the one ahead of a classifier.
#pragma once

#include "core/graph.h"

namespace senet::cpu {

// Behind the choice of algorithms: Winograd's and strips take the means along (ConvolutionEpilogue::sums).
Graph fuse_squeezes(Graph graph);

}  // namespace senet::cpu
