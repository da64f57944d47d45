// assert_finite: throws NonFiniteError for the first value that holds a NaN or an infinity, that is a float
// whose exponent bits are all ones. Tested on the bits, in one sweep over all values.
#include <atomic>
#include <limits>

#include "backends/cpu/ops/flat_sweep.h"
#include "backends/cpu/table.h"

namespace senet::cpu {
namespace {

class AssertFiniteStep final : public Step {
 public:
  AssertFiniteStep(const std::vector<int64_t>& sizes, std::vector<std::string> names, std::string what)
      : values_(sizes.size()), names_(std::move(names)), what_(std::move(what)) {
    for (int64_t size : sizes) sweep_.add(size);
  }

  void bind(const Binding& binding) override {
    for (size_t i = 0; i < values_.size(); ++i) values_[i] = static_cast<const float*>(binding.inputs[i]);
  }

  void run() override {
    const size_t none = values_.size();
    std::atomic<size_t> first_bad = none;
    sweep_.run([this, &first_bad](size_t i, int64_t begin, int64_t end) {
      if (all_finite(values_[i] + begin, end - begin)) return;
      size_t seen = first_bad.load();
      while (i < seen && !first_bad.compare_exchange_weak(seen, i)) continue;
    });
    if (first_bad != none) throw NonFiniteError(names_[first_bad], what_);
  }

 private:
  static bool all_finite(const float* x, int64_t count) {
    const VecInt ones = reinterpret_cast<VecInt>(broadcast(std::numeric_limits<float>::infinity()));
    VecInt bad = {};
    const auto test = [&](Vec v) { bad |= (reinterpret_cast<VecInt>(v) & ones) == ones; };
    int64_t i = 0;
    for (; i + kLanes <= count; i += kLanes) test(load(x + i));
    if (i < count) test(load(x + i, count - i));
    int32_t any = 0;
    for (int64_t lane = 0; lane < kLanes; ++lane) any |= bad[lane];
    return any == 0;
  }

  FlatSweep sweep_;
  std::vector<const float*> values_;
  std::vector<std::string> names_;
  std::string what_;
};

}  // namespace

StepPlan prepare_assert_finite(const PrepareContext& context) {
  const Node& node = context.node;
  require_operands(node, node.inputs.size(), 0);
  std::vector<int64_t> sizes;
  std::vector<std::string> names;
  for (size_t i = 0; i < node.inputs.size(); ++i) {
    // Integers are always finite.
    sizes.push_back(context.in(i).dtype == DType::kFloat32 ? context.in(i).elements() : 0);
    names.push_back(context.in(i).name);
  }
  StepPlan plan;
  plan.step = std::make_unique<AssertFiniteStep>(sizes, std::move(names), node.text("what"));
  plan.implementation = "simd";
  return plan;
}

}  // namespace senet::cpu
