// running_update, for each (running mean, running variance, batch mean, batch variance):
// running = (1 - momentum) * running + momentum * batch, the batch variance first made unbiased by M / (M - 1) where M
// values went into it (M = 1 leaves it). Does nothing in a step whose checks failed.
#include "backends/cuda/ops/tensor_list.h"

namespace senet::cuda {

namespace {

class RunningUpdateStep final : public Step {
 public:
  // Two tensors, mean and variance, for each quadruple.
  RunningUpdateStep(const Kit& kit, TensorList<RunningTensor> tensors, double momentum)
      : stream_(kit.stream), failed_(kit.failed), tensors_(std::move(tensors)), momentum_(momentum) {}

  void bind(const Binding& binding) override {
    for (int t = 0; t < tensors_.count(); ++t) {
      const size_t first = static_cast<size_t>(t / 2 * 4 + t % 2);
      // The running statistics are changed in place, though they come as inputs.
      tensors_[t].running = static_cast<float*>(const_cast<void*>(binding.inputs[first]));
      tensors_[t].batch = static_cast<const float*>(binding.inputs[first + 2]);
    }
    tensors_.upload(binding.constants, *stream_);
  }

  void run() override {
    if (tensors_.count() == 0) return;
    running_update(tensors_.device(), tensors_.count(), tensors_.largest(), momentum_, failed_,
                   stream_->get());
  }

 private:
  std::shared_ptr<const Stream> stream_;
  const int32_t* failed_;
  TensorList<RunningTensor> tensors_;
  double momentum_;
};

}  // namespace

StepPlan prepare_running_update(const Kit& kit, const PrepareContext& context) {
  const Node& node = context.node;
  const std::vector<double>& counts = node.numbers("counts");
  const double momentum = node.number("momentum");
  require(node.inputs.size() == 4 * counts.size(), node, "four inputs for each count");
  require_operands(node, node.inputs.size(), 0);
  TensorList<RunningTensor> tensors;
  for (size_t i = 0; i < counts.size(); ++i) {
    const int64_t channels = context.in(4 * i).elements();
    for (size_t j = 0; j < 4; ++j) require_floats(node, context.in(4 * i + j), channels);
    const double unbiased = counts[i] > 1 ? counts[i] / (counts[i] - 1) : 1;
    for (double weight : {momentum, momentum * unbiased}) {
      RunningTensor tensor{};
      tensor.elements = channels;
      tensor.weight = static_cast<float>(weight);
      tensors.add(tensor);
    }
  }
  StepPlan plan;
  plan.constant_bytes = tensors.bytes();
  plan.step = std::make_unique<RunningUpdateStep>(kit, std::move(tensors), momentum);
  plan.mutates = true;
  plan.implementation = "running_update";
  return plan;
}

}  // namespace senet::cuda
