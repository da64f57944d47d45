// accumulate, for each (mean, value), with n the values that went into the means before: mean = value if n is 0, else
// mean += (value - mean) / (n + 1). In one sweep over all tensors.
#include "backends/cpu/ops/flat_sweep.h"
#include "backends/cpu/table.h"

namespace senet::cpu {
namespace {

// Inputs: n, then the pairs.
class AccumulateStep final : public Step {
 public:
  // sizes: one per pair.
  explicit AccumulateStep(const std::vector<int64_t>& sizes) : pairs_(sizes.size()) {
    for (int64_t size : sizes) sweep_.add(size);
  }

  void bind(const Binding& binding) override {
    count_ = static_cast<const float*>(binding.inputs[0]);
    for (size_t t = 0; t < pairs_.size(); ++t) {
      // The means are changed in place, though they come as inputs.
      pairs_[t].mean = static_cast<float*>(const_cast<void*>(binding.inputs[1 + 2 * t]));
      pairs_[t].value = static_cast<const float*>(binding.inputs[2 + 2 * t]);
    }
  }

  void run() override {
    sweep_.run([this](size_t t, int64_t begin, int64_t end) {
      const Pair& pair = pairs_[t];
      if (*count_ == 0) {
        std::copy(pair.value + begin, pair.value + end, pair.mean + begin);
        return;
      }
      const Vec share = broadcast(1 / (*count_ + 1));
      elementwise_range(
          begin, end, pair.mean, [=](Vec mean, Vec value) { return mean + share * (value - mean); },
          pair.mean, pair.value);
    });
  }

 private:
  struct Pair {
    float* mean = nullptr;
    const float* value = nullptr;
  };

  FlatSweep sweep_;
  std::vector<Pair> pairs_;
  const float* count_ = nullptr;
};

}  // namespace

StepPlan prepare_accumulate(const PrepareContext& context) {
  const Node& node = context.node;
  require(node.inputs.size() % 2 == 1, node, "a count and pairs of inputs");
  require_operands(node, node.inputs.size(), 0);
  require_scalar(context, 0, "a count");
  std::vector<int64_t> sizes;
  for (size_t i = 1; i < node.inputs.size(); i += 2) {
    require_same_storage(node, context.in(i), context.in(i + 1));
    sizes.push_back(context.in(i).elements());
  }
  StepPlan plan;
  plan.step = std::make_unique<AccumulateStep>(sizes);
  plan.mutates = true;
  plan.implementation = "simd";
  return plan;
}

}  // namespace senet::cpu
