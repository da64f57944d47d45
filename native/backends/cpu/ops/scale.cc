// scale: y = factor * x, in x's storage order.
#include "backends/cpu/ops/elementwise.h"
#include "backends/cpu/table.h"

namespace senet::cpu {
namespace {

class ScaleStep final : public Step {
 public:
  ScaleStep(int64_t count, float factor) : count_(count), factor_(factor) {}

  void bind(const Binding& binding) override {
    x_ = static_cast<const float*>(binding.inputs[0]);
    y_ = static_cast<float*>(binding.outputs[0]);
  }

  void run() override {
    elementwise(
        count_, y_, [factor = broadcast(factor_)](Vec x) { return x * factor; }, x_);
  }

 private:
  int64_t count_;
  float factor_;
  const float* x_ = nullptr;
  float* y_ = nullptr;
};

}  // namespace

StepPlan prepare_scale(const PrepareContext& context) {
  require_operands(context.node, 1, 1);
  require_same_storage(context.node, context.in(0), context.out(0));
  StepPlan plan;
  plan.step = std::make_unique<ScaleStep>(context.in(0).elements(),
                                          static_cast<float>(context.node.number("factor")));
  plan.reuse = {{0, 0}};
  plan.implementation = "simd";
  return plan;
}

}  // namespace senet::cpu
