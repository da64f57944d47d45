// top_k_correct: how many samples have fewer than k classes whose logit is greater than the label's. The
// label is the class (i32 [N]) or the first greatest entry of the distribution (f32 [N,K]). Where a NaN is
// compared, the other class counts as greater, so a diverged model is not taken for a perfect one.
#include <atomic>

#include "backends/cpu/ops/class_labels.h"
#include "backends/cpu/ops/softmax_row.h"
#include "backends/cpu/table.h"

namespace senet::cpu {
namespace {

class TopKCorrectStep final : public Step {
 public:
  TopKCorrectStep(int64_t rows, int64_t classes, int64_t k, bool soft, std::string layer)
      : rows_(rows), classes_(classes), k_(k), soft_(soft), layer_(std::move(layer)) {}

  void bind(const Binding& binding) override {
    logits_ = static_cast<const float*>(binding.inputs[0]);
    labels_ = binding.inputs[1];
    count_ = static_cast<float*>(binding.outputs[0]);
  }

  void run() override {
    if (!soft_) check_labels(layer_, static_cast<const int32_t*>(labels_), rows_, classes_);
    std::atomic<int64_t> correct = 0;
    parallel_matrix_rows(rows_, classes_, [this, &correct](int64_t n) {
      if (rank(logits_ + n * classes_, label(n)) < k_) correct.fetch_add(1, std::memory_order_relaxed);
    });
    *count_ = static_cast<float>(correct.load());
  }

 private:
  int64_t label(int64_t n) const {
    if (!soft_) return static_cast<const int32_t*>(labels_)[n];
    const float* t = static_cast<const float*>(labels_) + n * classes_;
    return std::max_element(t, t + classes_) - t;
  }

  int64_t rank(const float* x, int64_t label) const {
    const float own = x[label];
    int64_t above = 0;
    for (int64_t c = 0; c < classes_; ++c) above += !(x[c] <= own);
    return own == own ? above : above - 1;  // a NaN label was compared with itself as well
  }

  int64_t rows_, classes_, k_;
  bool soft_;
  std::string layer_;
  const float* logits_ = nullptr;
  const void* labels_ = nullptr;
  float* count_ = nullptr;
};

}  // namespace

StepPlan prepare_top_k_correct(const PrepareContext& context) {
  const Node& node = context.node;
  require_operands(node, 2, 1);
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
  require_dtype(node, context.out(0), DType::kFloat32);
  require(context.out(0).elements() == 1, node, "a scalar count");
  StepPlan plan;
  plan.step = std::make_unique<TopKCorrectStep>(x.images, x.channels, node.integer("k"), soft, node.layer);
  plan.implementation = "simd";
  return plan;
}

}  // namespace senet::cpu
