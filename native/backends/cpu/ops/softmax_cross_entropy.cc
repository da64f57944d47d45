// softmax_cross_entropy over logits [N,K], p = softmax(logits): loss = mean over n of -sum_k target * log p.
// target = (1 - smoothing) * t + smoothing / K; t is one at the class label (labels i32 [N]) or the given
// distribution (f32 [N,K]). Its gradient: dlogits = (p * sum_k target - target) / N * dloss.
#include "backends/cpu/ops/class_labels.h"
#include "backends/cpu/ops/softmax_row.h"
#include "backends/cpu/table.h"

namespace senet::cpu {
namespace {

struct Sizes {
  int64_t rows, classes;
  bool soft;  // labels are distributions
  double smoothing;
};

class SoftmaxCrossEntropyStep final : public Step {
 public:
  SoftmaxCrossEntropyStep(const Sizes& sizes, std::string layer) : sizes_(sizes), layer_(std::move(layer)) {}

  void bind(const Binding& binding) override {
    logits_ = static_cast<const float*>(binding.inputs[0]);
    labels_ = binding.inputs[1];
    loss_ = static_cast<float*>(binding.outputs[0]);
    probabilities_ = static_cast<float*>(binding.outputs[1]);
    row_losses_ = static_cast<double*>(binding.workspace);
  }

  void run() override {
    const int64_t classes = sizes_.classes;
    if (!sizes_.soft) check_labels(layer_, static_cast<const int32_t*>(labels_), sizes_.rows, classes);
    parallel_matrix_rows(sizes_.rows, classes, [this, classes](int64_t n) {
      const float* x = logits_ + n * classes;
      float* p = probabilities_ + n * classes;
      const float greatest = row_max(x, classes);
      // Before p is written, since p may be x.
      const Target target = sizes_.soft ? soft_target(n, x, greatest) : class_target(n, x, greatest);
      const float sum = row_exp(x, classes, greatest, p);
      row_scale(p, classes, 1.0f / sum);
      row_losses_[n] = target.total * std::log(static_cast<double>(sum)) - target.dot;
    });
    double total = 0;
    for (int64_t n = 0; n < sizes_.rows; ++n) total += row_losses_[n];
    *loss_ = static_cast<float>(total / static_cast<double>(sizes_.rows));
  }

 private:
  // Sum of a row's target, and of target * (x - greatest).
  struct Target {
    double total, dot;
  };

  Target class_target(int64_t n, const float* x, double greatest) const {
    const double smoothing = sizes_.smoothing;
    double dot = (1 - smoothing) * (x[static_cast<const int32_t*>(labels_)[n]] - greatest);
    if (smoothing > 0) {
      double all = 0;
      for (int64_t k = 0; k < sizes_.classes; ++k) all += x[k] - greatest;
      dot += smoothing / static_cast<double>(sizes_.classes) * all;
    }
    return {1, dot};
  }

  Target soft_target(int64_t n, const float* x, double greatest) const {
    const float* t = static_cast<const float*>(labels_) + n * sizes_.classes;
    const double base = sizes_.smoothing / static_cast<double>(sizes_.classes);
    Target sum = {0, 0};
    for (int64_t k = 0; k < sizes_.classes; ++k) {
      const double target = (1 - sizes_.smoothing) * t[k] + base;
      sum.total += target;
      // A class without weight adds nothing, even where its logit is -Infinity.
      if (target != 0) sum.dot += target * (x[k] - greatest);
    }
    return sum;
  }

  Sizes sizes_;
  std::string layer_;
  const float* logits_ = nullptr;
  const void* labels_ = nullptr;
  float* loss_ = nullptr;
  float* probabilities_ = nullptr;
  double* row_losses_ = nullptr;  // [N]
};

class SoftmaxCrossEntropyGradStep final : public Step {
 public:
  SoftmaxCrossEntropyGradStep(const Sizes& sizes, std::string layer)
      : sizes_(sizes), layer_(std::move(layer)) {}

  void bind(const Binding& binding) override {
    probabilities_ = static_cast<const float*>(binding.inputs[0]);
    labels_ = binding.inputs[1];
    dloss_ = static_cast<const float*>(binding.inputs[2]);
    dlogits_ = static_cast<float*>(binding.outputs[0]);
  }

  void run() override {
    const int64_t classes = sizes_.classes;
    if (!sizes_.soft) check_labels(layer_, static_cast<const int32_t*>(labels_), sizes_.rows, classes);
    const float factor = *dloss_ / static_cast<float>(sizes_.rows);
    parallel_matrix_rows(sizes_.rows, classes, [this, classes, factor](int64_t n) {
      const float* p = probabilities_ + n * classes;
      float* dx = dlogits_ + n * classes;
      if (sizes_.soft) {
        soft_row(static_cast<const float*>(labels_) + n * classes, p, dx, factor);
      } else {
        class_row(static_cast<const int32_t*>(labels_)[n], p, dx, factor);
      }
    });
  }

 private:
  float base() const { return static_cast<float>(sizes_.smoothing / static_cast<double>(sizes_.classes)); }
  float weight() const { return static_cast<float>(1 - sizes_.smoothing); }

  void class_row(int32_t label, const float* p, float* dx, float factor) const {
    const float at_label = (p[label] - weight() - base()) * factor;
    const Vec base_lanes = broadcast(base()), factor_lanes = broadcast(factor);
    elementwise_range(
        0, sizes_.classes, dx, [=](Vec v) { return (v - base_lanes) * factor_lanes; }, p);
    dx[label] = at_label;
  }

  void soft_row(const float* t, const float* p, float* dx, float factor) const {
    double sum = 0;
    for (int64_t k = 0; k < sizes_.classes; ++k) sum += t[k];
    const Vec total = broadcast(static_cast<float>((1 - sizes_.smoothing) * sum + sizes_.smoothing));
    const Vec base_lanes = broadcast(base()), weight_lanes = broadcast(weight()),
              factor_lanes = broadcast(factor);
    elementwise_range(
        0, sizes_.classes, dx,
        [=](Vec v, Vec target) { return (v * total - weight_lanes * target - base_lanes) * factor_lanes; }, p,
        t);
  }

  Sizes sizes_;
  std::string layer_;
  const float* probabilities_ = nullptr;
  const void* labels_ = nullptr;
  const float* dloss_ = nullptr;
  float* dlogits_ = nullptr;
};

// Logits or probabilities at input 0, labels at input 1.
Sizes checked_sizes(const PrepareContext& context) {
  const Node& node = context.node;
  const MapLayout x = checked_layout(node, context.in(0));
  require(x.positions() == 1, node, "a vector");
  const Value& labels = context.in(1);
  const bool soft = labels.dtype == DType::kFloat32;
  if (soft) {
    require_per_channel(node, labels, x);
  } else {
    require_dtype(node, labels, DType::kInt32);
    require(labels.elements() == x.images, node, "one label per sample");
  }
  return {x.images, x.channels, soft, node.number("smoothing")};
}

}  // namespace

StepPlan prepare_softmax_cross_entropy(const PrepareContext& context) {
  const Node& node = context.node;
  require_operands(node, 2, 2);
  const Sizes sizes = checked_sizes(context);
  require_dtype(node, context.out(0), DType::kFloat32);
  require(context.out(0).elements() == 1, node, "a scalar loss");
  require_same_storage(node, context.in(0), context.out(1));
  StepPlan plan;
  plan.step = std::make_unique<SoftmaxCrossEntropyStep>(sizes, node.layer);
  plan.workspace_bytes = static_cast<size_t>(sizes.rows) * sizeof(double);
  plan.reuse = {{1, 0}};
  plan.implementation = "simd";
  return plan;
}

StepPlan prepare_softmax_cross_entropy_grad(const PrepareContext& context) {
  const Node& node = context.node;
  require_operands(node, 3, 1);
  const Sizes sizes = checked_sizes(context);
  require_dtype(node, context.in(2), DType::kFloat32);
  require(context.in(2).elements() == 1, node, "a scalar dloss");
  require_same_storage(node, context.in(0), context.out(0));
  StepPlan plan;
  plan.step = std::make_unique<SoftmaxCrossEntropyGradStep>(sizes, node.layer);
  plan.reuse = {{0, 0}};
  plan.implementation = "simd";
  return plan;
}

}  // namespace senet::cpu
