// fill: y = value everywhere.
#include "backends/cpu/ops/elementwise.h"
#include "backends/cpu/table.h"

namespace senet::cpu {
namespace {

class FillStep final : public Step {
 public:
  FillStep(int64_t count, float value) : count_(count), value_(value) {}

  void bind(const Binding& binding) override { y_ = static_cast<float*>(binding.outputs[0]); }

  void run() override {
    elementwise(count_, y_, [this] { return broadcast(value_); });
  }

 private:
  int64_t count_;
  float value_;
  float* y_ = nullptr;
};

}  // namespace

StepPlan prepare_fill(const PrepareContext& context) {
  const Node& node = context.node;
  require_operands(node, 0, 1);
  require_dtype(node, context.out(0), DType::kFloat32);
  const auto value = static_cast<float>(node.number("value"));
  StepPlan plan;
  plan.step = std::make_unique<FillStep>(context.out(0).elements(), value);
  plan.implementation = "simd";
  return plan;
}

}  // namespace senet::cpu
