// scale: y = factor * x.
#include "backends/cuda/ops/step.h"

namespace senet::cuda {

StepPlan prepare_scale(const Kit& kit, const PrepareContext& context) {
  const Node& node = context.node;
  require_operands(node, 1, 1);
  require_same(node, context.in(0), context.out(0));
  StepPlan plan =
      typed_launch_plan("scale", storage_of(context.in(0)),
                        [stream = kit.stream, count = context.in(0).elements(),
                         factor = static_cast<float>(node.number("factor"))](const Operands& at, auto tag) {
                          using T = TypeOf<decltype(tag)>;
                          scale(at.in<T>(0), factor, at.out<T>(0), count, stream->get());
                        });
  plan.reuse = {{0, 0}};
  return plan;
}

}  // namespace senet::cuda
