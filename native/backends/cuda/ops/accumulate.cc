// accumulate, for each (mean, value), with n, the first input, the values that went into the means before: mean = value
// if n is 0, else mean += (value - mean) / (n + 1), in one launch over all. Does nothing in a step whose checks failed.
#include "backends/cuda/ops/mean_list.h"

namespace senet::cuda {

namespace {

class AccumulateStep final : public Step {
 public:
  AccumulateStep(const Kit& kit, TensorList<MeanTensor> means)
      : stream_(kit.stream), failed_(kit.failed), means_(std::move(means)) {}

  void bind(const Binding& binding) override {
    count_ = static_cast<const float*>(binding.inputs[0]);
    bind_means(&means_, 1, binding, *stream_);
  }

  void run() override {
    accumulate(means_.device(), means_.count(), means_.largest(), count_, failed_, stream_->get());
  }

 private:
  std::shared_ptr<const Stream> stream_;
  const int32_t* failed_;
  TensorList<MeanTensor> means_;
  const float* count_ = nullptr;
};

}  // namespace

StepPlan prepare_accumulate(const Kit& kit, const PrepareContext& context) {
  TensorList<MeanTensor> means = checked_means(context, 1);
  require_floats(context.node, context.in(0), 1);
  StepPlan plan;
  plan.constant_bytes = means.bytes();
  plan.step = std::make_unique<AccumulateStep>(kit, std::move(means));
  plan.mutates = true;
  plan.implementation = "accumulate";
  return plan;
}

}  // namespace senet::cuda
