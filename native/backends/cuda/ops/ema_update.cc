// ema_update, for each (average, value): average += (1 - decay) * (value - average), in one launch over all. Does nothing
// in a step whose checks failed.
#include "backends/cuda/ops/mean_list.h"

namespace senet::cuda {

namespace {

class EmaUpdateStep final : public Step {
 public:
  EmaUpdateStep(const Kit& kit, TensorList<MeanTensor> means, double decay)
      : stream_(kit.stream), failed_(kit.failed), means_(std::move(means)), decay_(decay) {}

  void bind(const Binding& binding) override { bind_means(&means_, 0, binding, *stream_); }

  void run() override {
    ema_update(means_.device(), means_.count(), means_.largest(), decay_, failed_, stream_->get());
  }

 private:
  std::shared_ptr<const Stream> stream_;
  const int32_t* failed_;
  TensorList<MeanTensor> means_;
  double decay_;
};

}  // namespace

StepPlan prepare_ema_update(const Kit& kit, const PrepareContext& context) {
  TensorList<MeanTensor> means = checked_means(context, 0);
  StepPlan plan;
  plan.constant_bytes = means.bytes();
  plan.step = std::make_unique<EmaUpdateStep>(kit, std::move(means), context.node.number("decay"));
  plan.mutates = true;
  plan.implementation = "ema_update";
  return plan;
}

}  // namespace senet::cuda
