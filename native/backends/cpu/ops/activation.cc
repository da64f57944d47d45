// activation: y = act(x). activation_grad: dx from dy and what was saved of the forward pass, y or for some
// kinds x (needs_argument); all in x's storage order.
#include "backends/cpu/kernels/activation.h"

#include "backends/activation_of.h"
#include "backends/cpu/ops/elementwise.h"
#include "backends/cpu/table.h"

namespace senet::cpu {
namespace {

template <Activation kKind>
struct Forward {
  Vec operator()(Vec x) const { return activate<kKind>(x); }
};

template <Activation kKind>
struct Backward {
  Vec operator()(Vec dy, Vec saved) const { return times_slope<kKind>(dy, saved); }
};

}  // namespace

StepPlan prepare_activation(const PrepareContext& context) {
  return with_activation(activation_of<Activation>(context.node, "kind"), [&](auto kind) {
    return plan_elementwise<Forward<decltype(kind)::value>, 1>(context);
  });
}

StepPlan prepare_activation_grad(const PrepareContext& context) {
  return with_activation(activation_of<Activation>(context.node, "kind"), [&](auto kind) {
    return plan_elementwise<Backward<decltype(kind)::value>, 2>(context);
  });
}

}  // namespace senet::cpu
