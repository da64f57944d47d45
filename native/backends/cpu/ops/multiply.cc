// multiply: y = x * s, s of x's shape or one factor per image and channel. multiply_reduce: y[n,c] = the sum
// over positions of a * b, the gradient of such a factor.
#include "backends/cpu/ops/cells.h"
#include "backends/cpu/ops/position_sum.h"
#include "backends/cpu/table.h"

namespace senet::cpu {
namespace {

struct Product {
  Vec operator()(Vec a, Vec b) const { return a * b; }
};

class BroadcastMultiplyStep final : public Step {
 public:
  explicit BroadcastMultiplyStep(const MapLayout& map) : map_(map) {}

  void bind(const Binding& binding) override {
    x_ = static_cast<const float*>(binding.inputs[0]);
    s_ = static_cast<const float*>(binding.inputs[1]);
    y_ = static_cast<float*>(binding.outputs[0]);
  }

  void run() override { broadcast_over_positions(map_, s_, y_, Product{}, x_); }

 private:
  MapLayout map_;
  const float* x_ = nullptr;
  const float* s_ = nullptr;
  float* y_ = nullptr;
};

class MultiplyReduceStep final : public Step {
 public:
  explicit MultiplyReduceStep(const MapLayout& map) : map_(map) {}

  void bind(const Binding& binding) override {
    a_ = static_cast<const float*>(binding.inputs[0]);
    b_ = static_cast<const float*>(binding.inputs[1]);
    y_ = static_cast<float*>(binding.outputs[0]);
  }

  void run() override {
    position_sum(map_, 1.0, y_,
                 [this](int64_t i, int64_t width) { return load(a_ + i, width) * load(b_ + i, width); });
  }

 private:
  MapLayout map_;
  const float* a_ = nullptr;
  const float* b_ = nullptr;
  float* y_ = nullptr;
};

}  // namespace

StepPlan prepare_multiply(const PrepareContext& context) {
  const Node& node = context.node;
  require_operands(node, 2, 1);
  if (context.in(0).shape == context.in(1).shape) return plan_elementwise<Product, 2>(context);
  const MapLayout map = checked_layout(node, context.in(0));
  require_same_storage(node, context.in(0), context.out(0));
  require_per_channel(node, context.in(1), map);
  StepPlan plan;
  plan.step = std::make_unique<BroadcastMultiplyStep>(map);
  plan.reuse = {{0, 0}};
  plan.implementation = "simd";
  return plan;
}

StepPlan prepare_multiply_reduce(const PrepareContext& context) {
  const Node& node = context.node;
  require_operands(node, 2, 1);
  const MapLayout map = checked_layout(node, context.in(0));
  require_same_storage(node, context.in(0), context.in(1));
  require_per_channel(node, context.out(0), map);
  StepPlan plan;
  plan.step = std::make_unique<MultiplyReduceStep>(map);
  plan.implementation = "simd";
  return plan;
}

}  // namespace senet::cpu
