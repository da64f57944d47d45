// fill: y = value everywhere.
#include "backends/cuda/ops/step.h"

namespace senet::cuda {

StepPlan prepare_fill(const Kit& kit, const PrepareContext& context) {
  const Node& node = context.node;
  require_operands(node, 0, 1);
  require(is_float(context.out(0)), node, "floats");
  return typed_launch_plan("fill", storage_of(context.out(0)),
                           [stream = kit.stream, value = static_cast<float>(node.number("value")),
                            count = context.out(0).elements()](const Operands& at, auto tag) {
                             using T = TypeOf<decltype(tag)>;
                             fill(at.out<T>(0), value, count, stream->get());
                           });
}

}  // namespace senet::cuda
