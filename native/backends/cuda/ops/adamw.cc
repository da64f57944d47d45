// adamw, for each (parameter, gradient, running mean of gradients, running mean of their squares), in one launch over
// all tensors (kernels/adamw.cu). With "scaled" a last input multiplies the gradients first. Does nothing in a step
// whose checks failed.
#include "backends/cuda/ops/tensor_list.h"

namespace senet::cuda {

namespace {

// Inputs: lr, updates done, then the four of each parameter.
constexpr size_t kFirst = 2, kEach = 4;

class AdamwStep final : public Step {
 public:
  AdamwStep(const Kit& kit, TensorList<AdamwTensor> tensors, const AdamwRule& rule, bool scaled)
      : stream_(kit.stream),
        failed_(kit.failed),
        tensors_(std::move(tensors)),
        rule_(rule),
        scaled_(scaled) {}

  void bind(const Binding& binding) override {
    // Parameters and states are changed in place, though they come as inputs.
    const auto changed = [&](size_t i) { return static_cast<float*>(const_cast<void*>(binding.inputs[i])); };
    lr_ = static_cast<const float*>(binding.inputs[0]);
    updates_ = changed(1);
    for (int t = 0; t < tensors_.count(); ++t) {
      const size_t first = kFirst + kEach * static_cast<size_t>(t);
      AdamwTensor& tensor = tensors_[t];
      tensor.parameter = changed(first);
      tensor.gradient = static_cast<const float*>(binding.inputs[first + 1]);
      tensor.mean = changed(first + 2);
      tensor.square = changed(first + 3);
      tensor.aligned = are_aligned({tensor.parameter, tensor.gradient, tensor.mean, tensor.square});
    }
    if (scaled_) {
      factor_ =
          static_cast<const float*>(binding.inputs[kFirst + kEach * static_cast<size_t>(tensors_.count())]);
    }
    workspace_ = binding.workspace;
    tensors_.upload(binding.constants, *stream_);
  }

  void run() override {
    adamw(tensors_.device(), tensors_.count(), tensors_.largest(), rule_, lr_, updates_, factor_, failed_,
          workspace_, stream_->get());
  }

 private:
  std::shared_ptr<const Stream> stream_;
  const int32_t* failed_;
  TensorList<AdamwTensor> tensors_;
  AdamwRule rule_;
  bool scaled_;
  const float* lr_ = nullptr;
  float* updates_ = nullptr;
  const float* factor_ = nullptr;
  void* workspace_ = nullptr;
};

}  // namespace

StepPlan prepare_adamw(const Kit& kit, const PrepareContext& context) {
  const Node& node = context.node;
  const std::vector<double>&decays = node.numbers("decays"), &rates = node.numbers("rates");
  const bool scaled = node.flag("scaled");
  const size_t end = kFirst + kEach * decays.size();
  require(!decays.empty() && rates.size() == decays.size(), node, "a decay and a rate for each parameter");
  require_operands(node, end + (scaled ? 1 : 0), 0);
  for (size_t i : {size_t{0}, size_t{1}}) require_floats(node, context.in(i), 1);
  if (scaled) require_floats(node, context.in(end), 1);
  TensorList<AdamwTensor> tensors;
  for (size_t t = 0; t < decays.size(); ++t) {
    AdamwTensor tensor{};
    tensor.elements = context.in(kFirst + kEach * t).elements();
    for (size_t i = 0; i < kEach; ++i)
      require_floats(node, context.in(kFirst + kEach * t + i), tensor.elements);
    tensor.decay = static_cast<float>(decays[t]);
    tensor.rate = static_cast<float>(rates[t]);
    tensors.add(tensor);
  }
  const AdamwRule rule = {node.number("beta1"), node.number("beta2"), node.number("epsilon")};
  StepPlan plan;
  plan.constant_bytes = tensors.bytes();
  plan.workspace_bytes = kAdamwWorkspaceBytes;
  plan.step = std::make_unique<AdamwStep>(kit, std::move(tensors), rule, scaled);
  plan.mutates = true;
  plan.implementation = "adamw";
  return plan;
}

}  // namespace senet::cuda
