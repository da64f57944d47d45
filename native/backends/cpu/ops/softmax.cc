// softmax: y[n] = exp(x[n] - max) / sum over each row of x [N,K].
#include "backends/cpu/ops/softmax_row.h"
#include "backends/cpu/table.h"

namespace senet::cpu {
namespace {

class SoftmaxStep final : public Step {
 public:
  SoftmaxStep(int64_t rows, int64_t classes) : rows_(rows), classes_(classes) {}

  void bind(const Binding& binding) override {
    x_ = static_cast<const float*>(binding.inputs[0]);
    y_ = static_cast<float*>(binding.outputs[0]);
  }

  void run() override {
    parallel_matrix_rows(rows_, classes_, [this](int64_t n) {
      const float* x = x_ + n * classes_;
      float* y = y_ + n * classes_;
      row_scale(y, classes_, 1.0f / row_exp(x, classes_, row_max(x, classes_), y));
    });
  }

 private:
  int64_t rows_, classes_;
  const float* x_ = nullptr;
  float* y_ = nullptr;
};

}  // namespace

StepPlan prepare_softmax(const PrepareContext& context) {
  const Node& node = context.node;
  require_operands(node, 1, 1);
  const MapLayout x = checked_layout(node, context.in(0));
  require(x.positions() == 1, node, "a vector");
  require_same_storage(node, context.in(0), context.out(0));
  StepPlan plan;
  plan.step = std::make_unique<SoftmaxStep>(x.images, x.channels);
  plan.reuse = {{0, 0}};
  plan.implementation = "simd";
  return plan;
}

}  // namespace senet::cpu
