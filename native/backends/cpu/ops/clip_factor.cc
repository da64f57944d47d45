// clip_factor, by PyTorch's rule (clip_grad_norm_): norm = scale * sqrt(sum of squares of all elements of all inputs),
// factor = scale * min(1, limit / (norm + 1e-6)). Sums are taken over parts that do not depend on the threads.
#include <cmath>

#include "backends/cpu/ops/elementwise.h"
#include "backends/cpu/table.h"

namespace senet::cpu {
namespace {

class ClipFactorStep final : public Step {
 public:
  ClipFactorStep(const std::vector<int64_t>& sizes, double limit)
      : values_(sizes.size()), limit_(static_cast<float>(limit)) {
    for (size_t t = 0; t < sizes.size(); ++t) {
      for (int64_t begin = 0; begin < sizes[t]; begin += kGrain) {
        parts_.push_back({t, begin, std::min(sizes[t], begin + kGrain)});
      }
    }
    sums_.resize(parts_.size());
  }

  void bind(const Binding& binding) override {
    scale_ = static_cast<const float*>(binding.inputs[0]);
    for (size_t t = 0; t < values_.size(); ++t) values_[t] = static_cast<const float*>(binding.inputs[1 + t]);
    factor_ = static_cast<float*>(binding.outputs[0]);
    norm_ = static_cast<float*>(binding.outputs[1]);
  }

  void run() override {
    parallel_for(static_cast<int64_t>(parts_.size()), [this](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const Part& part = parts_[i];
        sums_[i] = sum_of_squares(values_[part.tensor] + part.begin, part.end - part.begin);
      }
    });
    double sum = 0;
    for (float part : sums_) sum += part;
    const float scale = scale_ == nullptr ? 1.0F : *scale_;
    const auto norm = static_cast<float>(scale * std::sqrt(sum));
    *norm_ = norm;
    *factor_ = scale * std::min(1.0F, limit_ / (norm + 1e-6F));
  }

 private:
  struct Part {
    size_t tensor;
    int64_t begin, end;
  };

  static float sum_of_squares(const float* x, int64_t count) {
    Vec sum = {};
    int64_t i = 0;
    for (; i + kLanes <= count; i += kLanes) {
      const Vec v = load(x + i);
      sum += v * v;
    }
    if (i < count) {
      const Vec v = load(x + i, count - i);
      sum += v * v;
    }
    return horizontal_sum(sum);
  }

  std::vector<Part> parts_;
  std::vector<float> sums_;  // one for each part
  std::vector<const float*> values_;
  float limit_;
  const float* scale_ = nullptr;
  float* factor_ = nullptr;
  float* norm_ = nullptr;
};

}  // namespace

StepPlan prepare_clip_factor(const PrepareContext& context) {
  const Node& node = context.node;
  require(node.inputs.size() > 1, node, "gradients");
  require_operands(node, 0, 2);
  if (node.has_input(0)) require_scalar(context, 0, "a scale");
  for (size_t i : {0, 1}) {
    require_dtype(node, context.out(i), DType::kFloat32);
    require(context.out(i).elements() == 1, node, "scalar outputs");
  }
  std::vector<int64_t> sizes;
  for (size_t i = 1; i < node.inputs.size(); ++i) {
    require(node.has_input(i), node, "all gradients");
    require_dtype(node, context.in(i), DType::kFloat32);
    sizes.push_back(context.in(i).elements());
  }
  StepPlan plan;
  plan.step = std::make_unique<ClipFactorStep>(sizes, node.number("limit"));
  plan.implementation = "simd";
  return plan;
}

}  // namespace senet::cpu
