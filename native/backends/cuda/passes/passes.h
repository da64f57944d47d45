// What the CUDA backend makes of a graph before it prepares its nodes, in this order.
#pragma once

#include "backends/cuda/table.h"
#include "core/graph.h"

namespace senet::cuda {

// Gives the feature maps that nodes compute the storage type, and inserts conversions where a float map of the graph's
// inputs meets a node and where a map leaves the graph. Everything else is float32.
Graph with_storage_type(Graph graph, Storage storage);

// Where two gradients of a map are added and one of them comes out of a convolution, the convolution adds its own to the
// other: a third input of conv2d_grad_input. One read in place of the two that the next step would need.
Graph accumulate_gradients(Graph graph, const Kit& kit);

// Lets convolutions take the sums along that a batch norm behind them needs for its statistics or its squeeze (a shift
// in, two sums per image and channel out), where the library has a plan for that which takes less time than a pass over
// the map.
Graph take_statistics(Graph graph, const Kit& kit);

// Lets convolutions take the sums along that a global average of their output needs, likewise.
Graph take_squeeze(Graph graph, const Kit& kit);

// Lets convolutions of inference apply the batch norm and ReLU before them to what they read, likewise.
Graph apply_norms(Graph graph, const Kit& kit);

}  // namespace senet::cuda
