// softmax: y[n] = exp(x[n] - max) / sum over each row of x [N,K].
#include "backends/cuda/ops/step.h"

namespace senet::cuda {

StepPlan prepare_softmax(const Kit& kit, const PrepareContext& context) {
  const Node& node = context.node;
  require_operands(node, 1, 1);
  const MapSize x = checked_size(node, context.in(0));
  require(x.positions == 1, node, "a vector");
  require_floats(node, context.in(0), x.elements());
  require_same(node, context.in(0), context.out(0));
  StepPlan plan = launch_plan("softmax", [stream = kit.stream, x](const Operands& at) {
    softmax(at.in(0), at.out(0), x.images, x.channels, stream->get());
  });
  plan.reuse = {{0, 0}};
  return plan;
}

}  // namespace senet::cuda
