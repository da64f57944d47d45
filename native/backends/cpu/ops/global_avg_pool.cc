// global_avg_pool: y[n,c] = the mean of x over positions. Its gradient: dx = dy[n,c] / positions everywhere.
#include "backends/cpu/ops/cells.h"
#include "backends/cpu/ops/position_sum.h"
#include "backends/cpu/table.h"

namespace senet::cpu {
namespace {

class GlobalAvgPoolStep final : public Step {
 public:
  explicit GlobalAvgPoolStep(const MapLayout& map) : map_(map) {}

  void bind(const Binding& binding) override {
    x_ = static_cast<const float*>(binding.inputs[0]);
    y_ = static_cast<float*>(binding.outputs[0]);
  }

  void run() override {
    position_sum(map_, 1.0 / static_cast<double>(map_.positions()), y_,
                 [this](int64_t i, int64_t width) { return load(x_ + i, width); });
  }

 private:
  MapLayout map_;
  const float* x_ = nullptr;
  float* y_ = nullptr;
};

class GlobalAvgPoolGradStep final : public Step {
 public:
  explicit GlobalAvgPoolGradStep(const MapLayout& map) : map_(map) {}

  void bind(const Binding& binding) override {
    dy_ = static_cast<const float*>(binding.inputs[0]);
    dx_ = static_cast<float*>(binding.outputs[0]);
  }

  void run() override {
    const Vec share = broadcast(1.0f / static_cast<float>(map_.positions()));
    broadcast_over_positions(map_, dy_, dx_, [share](Vec dy) { return dy * share; });
  }

 private:
  MapLayout map_;
  const float* dy_ = nullptr;
  float* dx_ = nullptr;
};

}  // namespace

StepPlan prepare_global_avg_pool(const PrepareContext& context) {
  require_operands(context.node, 1, 1);
  const MapLayout map = checked_layout(context.node, context.in(0));
  require_per_channel(context.node, context.out(0), map);
  StepPlan plan;
  plan.step = std::make_unique<GlobalAvgPoolStep>(map);
  plan.implementation = "simd";
  return plan;
}

StepPlan prepare_global_avg_pool_grad(const PrepareContext& context) {
  require_operands(context.node, 1, 1);
  const MapLayout map = checked_layout(context.node, context.out(0));
  require_per_channel(context.node, context.in(0), map);
  StepPlan plan;
  plan.step = std::make_unique<GlobalAvgPoolGradStep>(map);
  plan.implementation = "simd";
  return plan;
}

}  // namespace senet::cpu
