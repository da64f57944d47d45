// add: y = a + b, all of one shape.
#include "backends/cuda/ops/step.h"

namespace senet::cuda {

StepPlan prepare_add(const Kit& kit, const PrepareContext& context) {
  const Node& node = context.node;
  require_operands(node, 2, 1);
  require_same(node, context.in(0), context.in(1));
  require_same(node, context.in(0), context.out(0));
  StepPlan plan = typed_launch_plan(
      "add", storage_of(context.in(0)),
      [stream = kit.stream, count = context.in(0).elements()](const Operands& at, auto tag) {
        using T = TypeOf<decltype(tag)>;
        add(at.in<T>(0), at.in<T>(1), at.out<T>(0), count, stream->get());
      });
  plan.reuse = {{0, 0}, {0, 1}};
  return plan;
}

}  // namespace senet::cuda
