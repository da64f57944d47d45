// fold_batch_norm, per output channel k with factor = gamma / sqrt(running variance + eps):
// weight'_k = weight_k * factor; bias' = beta + (bias - running mean) * factor. On constants, so in doubles.
#include <cmath>

#include "backends/cpu/ops/elementwise.h"
#include "backends/cpu/table.h"

namespace senet::cpu {
namespace {

class FoldBatchNormStep final : public Step {
 public:
  FoldBatchNormStep(int64_t outputs, int64_t per_output, double eps)
      : outputs_(outputs), per_output_(per_output), eps_(eps) {}

  void bind(const Binding& binding) override {
    weight_ = static_cast<const float*>(binding.inputs[0]);
    bias_ = static_cast<const float*>(binding.inputs[1]);
    gamma_ = static_cast<const float*>(binding.inputs[2]);
    beta_ = static_cast<const float*>(binding.inputs[3]);
    mean_ = static_cast<const float*>(binding.inputs[4]);
    variance_ = static_cast<const float*>(binding.inputs[5]);
    folded_weight_ = static_cast<float*>(binding.outputs[0]);
    folded_bias_ = static_cast<float*>(binding.outputs[1]);
  }

  void run() override {
    for (int64_t k = 0; k < outputs_; ++k) {
      const double factor = gamma_[k] / std::sqrt(variance_[k] + eps_);
      const double bias = bias_ ? bias_[k] : 0.0;
      folded_bias_[k] = static_cast<float>(beta_[k] + (bias - mean_[k]) * factor);
      for (int64_t i = k * per_output_; i < (k + 1) * per_output_; ++i) {
        folded_weight_[i] = static_cast<float>(weight_[i] * factor);
      }
    }
  }

 private:
  int64_t outputs_, per_output_;
  double eps_;
  const float* weight_ = nullptr;
  const float* bias_ = nullptr;
  const float* gamma_ = nullptr;
  const float* beta_ = nullptr;
  const float* mean_ = nullptr;
  const float* variance_ = nullptr;
  float* folded_weight_ = nullptr;
  float* folded_bias_ = nullptr;
};

}  // namespace

StepPlan prepare_fold_batch_norm(const PrepareContext& context) {
  const Node& node = context.node;
  require_operands(node, 1, 2);
  const Value& weight = context.in(0);
  require(!weight.shape.empty() && weight.shape[0] >= 1, node, "a weight with output channels");
  require_same_storage(node, weight, context.out(0));
  for (size_t i = 1; i < 6; ++i) {
    if (i == 1 && !node.has_input(i)) continue;
    require(node.has_input(i), node, "an input at position " + std::to_string(i));
    require_dtype(node, context.in(i), DType::kFloat32);
    require(context.in(i).elements() == weight.shape[0], node, "one float per output channel");
  }
  require_dtype(node, context.out(1), DType::kFloat32);
  require(context.out(1).elements() == weight.shape[0], node, "one bias per output channel");
  StepPlan plan;
  plan.step = std::make_unique<FoldBatchNormStep>(weight.shape[0], weight.elements() / weight.shape[0],
                                                  node.number("eps"));
  plan.implementation = "plain";
  return plan;
}

}  // namespace senet::cpu
