// activation: y = act(x); activation_grad: dx from dy and what was saved, y or for some kinds x (needs_argument).
#include "backends/activation_of.h"
#include "backends/cuda/ops/step.h"

namespace senet::cuda {

StepPlan prepare_activation(const Kit& kit, const PrepareContext& context) {
  const Node& node = context.node;
  require_operands(node, 1, 1);
  require_same(node, context.in(0), context.out(0));
  StepPlan plan =
      typed_launch_plan("activation", storage_of(context.in(0)),
                        [stream = kit.stream, count = context.in(0).elements(),
                         kind = activation_of<Activation>(node, "kind")](const Operands& at, auto tag) {
                          using T = TypeOf<decltype(tag)>;
                          activation_forward(kind, at.in<T>(0), at.out<T>(0), count, stream->get());
                        });
  plan.reuse = {{0, 0}};
  return plan;
}

StepPlan prepare_activation_grad(const Kit& kit, const PrepareContext& context) {
  const Node& node = context.node;
  require_operands(node, 2, 1);
  require_same(node, context.in(0), context.in(1));
  require_same(node, context.in(0), context.out(0));
  StepPlan plan = typed_launch_plan(
      "activation", storage_of(context.in(0)),
      [stream = kit.stream, count = context.in(0).elements(), kind = activation_of<Activation>(node, "kind")](
          const Operands& at, auto tag) {
        using T = TypeOf<decltype(tag)>;
        activation_backward(kind, at.in<T>(0), at.in<T>(1), at.out<T>(0), count, stream->get());
      });
  plan.reuse = {{0, 0}, {0, 1}};
  return plan;
}

}  // namespace senet::cuda
