// What a step costs at least, whatever computes it: a floor for its time.
#pragma once

#include "backends/backend.h"

namespace senet {

struct StepCost {
  double bytes;  // moved between memory and the processor
  // Of convolutions and matrix products, a multiply-add as two; other arithmetic is small beside its bytes.
  double flops;
};

// Of a prepared node.
StepCost cost_of(const Graph& graph, const Node& node, const StepPlan& plan);

}  // namespace senet
