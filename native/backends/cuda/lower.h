// Decides how the CUDA backend stores each value of a graph.
#pragma once

#include "backends/cuda/storage_type.h"
#include "core/graph.h"

namespace senet::cuda {

// Gives the feature maps that nodes compute the storage type, and inserts conversions where a float map of the graph's
// inputs meets a node and where a map leaves the graph. Everything else is float32.
Graph with_storage_type(Graph graph, Storage storage);

}  // namespace senet::cuda
