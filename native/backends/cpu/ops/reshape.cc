// reshape: the same elements in the same order under another shape; only for values whose order is plain.
#include "backends/cpu/ops/elementwise.h"
#include "backends/cpu/table.h"

namespace senet::cpu {
namespace {

class ReshapeStep final : public Step {
 public:
  explicit ReshapeStep(int64_t count) : count_(count) {}

  void bind(const Binding& binding) override {
    x_ = static_cast<const float*>(binding.inputs[0]);
    y_ = static_cast<float*>(binding.outputs[0]);
  }

  void run() override {
    if (x_ != y_)
      elementwise(
          count_, y_, [](Vec x) { return x; }, x_);
  }

 private:
  int64_t count_;
  const float* x_ = nullptr;
  float* y_ = nullptr;
};

bool is_plain(const Value& value) {
  return !value.is_map() || value.block == 0 || value.block == value.shape[3];
}

}  // namespace

StepPlan prepare_reshape(const PrepareContext& context) {
  const Node& node = context.node;
  require_operands(node, 1, 1);
  const Value& x = context.in(0);
  const Value& y = context.out(0);
  require_dtype(node, x, DType::kFloat32);
  require_dtype(node, y, DType::kFloat32);
  require(x.elements() == y.elements(), node, "the same number of elements");
  require(is_plain(x) && is_plain(y), node, "values that are not blocked");
  StepPlan plan;
  plan.step = std::make_unique<ReshapeStep>(x.elements());
  plan.reuse = {{0, 0}};
  plan.implementation = "simd";
  return plan;
}

}  // namespace senet::cpu
