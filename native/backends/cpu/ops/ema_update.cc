// ema_update, for each (average, value): average += (1 - decay) * (value - average), which keeps an average of what does
// not change. In one sweep over all tensors.
#include "backends/cpu/ops/flat_sweep.h"
#include "backends/cpu/table.h"

namespace senet::cpu {
namespace {

class EmaUpdateStep final : public Step {
 public:
  // sizes: one per pair.
  EmaUpdateStep(const std::vector<int64_t>& sizes, double decay)
      : pairs_(sizes.size()), fresh_(static_cast<float>(1 - decay)) {
    for (int64_t size : sizes) sweep_.add(size);
  }

  void bind(const Binding& binding) override {
    for (size_t t = 0; t < pairs_.size(); ++t) {
      // The averages are changed in place, though they come as inputs.
      pairs_[t].average = static_cast<float*>(const_cast<void*>(binding.inputs[2 * t]));
      pairs_[t].value = static_cast<const float*>(binding.inputs[2 * t + 1]);
    }
  }

  void run() override {
    sweep_.run([this](size_t t, int64_t begin, int64_t end) {
      const Vec fresh = broadcast(fresh_);
      elementwise_range(
          begin, end, pairs_[t].average,
          [=](Vec average, Vec value) { return average + fresh * (value - average); }, pairs_[t].average,
          pairs_[t].value);
    });
  }

 private:
  struct Pair {
    float* average = nullptr;
    const float* value = nullptr;
  };

  FlatSweep sweep_;
  std::vector<Pair> pairs_;
  float fresh_;
};

}  // namespace

StepPlan prepare_ema_update(const PrepareContext& context) {
  const Node& node = context.node;
  require(node.inputs.size() % 2 == 0, node, "pairs of inputs");
  require_operands(node, node.inputs.size(), 0);
  std::vector<int64_t> sizes;
  for (size_t i = 0; i < node.inputs.size(); i += 2) {
    require_same_storage(node, context.in(i), context.in(i + 1));
    sizes.push_back(context.in(i).elements());
  }
  StepPlan plan;
  plan.step = std::make_unique<EmaUpdateStep>(sizes, node.number("decay"));
  plan.mutates = true;
  plan.implementation = "simd";
  return plan;
}

}  // namespace senet::cpu
