// sgd, for each (parameter p, gradient g, velocity v) by PyTorch's rule, in one launch over all tensors:
// g += decay * p; v = momentum * v + g; p -= rate * lr * (nesterov ? g + momentum * v : v); without momentum
// p -= rate * lr * g. With "scaled" a last input multiplies the gradients first. Does nothing in a step whose checks failed.
#include "backends/cuda/ops/tensor_list.h"

namespace senet::cuda {

namespace {

// Inputs: lr, momentum, then parameter, gradient and velocity of each.
constexpr size_t kFirstTriple = 2;

class SgdStep final : public Step {
 public:
  SgdStep(const Kit& kit, TensorList<SgdTensor> tensors, bool has_momentum, bool nesterov, bool scaled)
      : stream_(kit.stream),
        failed_(kit.failed),
        tensors_(std::move(tensors)),
        has_momentum_(has_momentum),
        nesterov_(nesterov),
        scaled_(scaled) {}

  void bind(const Binding& binding) override {
    lr_ = static_cast<const float*>(binding.inputs[0]);
    if (has_momentum_) momentum_ = static_cast<const float*>(binding.inputs[1]);
    for (int t = 0; t < tensors_.count(); ++t) {
      // sgd changes parameters and velocities in place, though they come as inputs.
      const size_t first = kFirstTriple + 3 * static_cast<size_t>(t);
      SgdTensor& tensor = tensors_[t];
      tensor.parameter = static_cast<float*>(const_cast<void*>(binding.inputs[first]));
      tensor.gradient = static_cast<const float*>(binding.inputs[first + 1]);
      if (has_momentum_) tensor.velocity = static_cast<float*>(const_cast<void*>(binding.inputs[first + 2]));
    }
    if (scaled_) {
      const size_t last = kFirstTriple + 3 * static_cast<size_t>(tensors_.count());
      factor_ = static_cast<const float*>(binding.inputs[last]);
    }
    tensors_.upload(binding.constants, *stream_);
  }

  void run() override {
    if (tensors_.count() == 0) return;
    sgd(tensors_.device(), tensors_.count(), tensors_.largest(), nesterov_, lr_, momentum_, factor_, failed_,
        stream_->get());
  }

 private:
  std::shared_ptr<const Stream> stream_;
  const int32_t* failed_;
  TensorList<SgdTensor> tensors_;
  bool has_momentum_, nesterov_, scaled_;
  const float* lr_ = nullptr;
  const float* momentum_ = nullptr;
  const float* factor_ = nullptr;
};

}  // namespace

StepPlan prepare_sgd(const Kit& kit, const PrepareContext& context) {
  const Node& node = context.node;
  require_operands(node, 1, 0);
  require_floats(node, context.in(0), 1);
  const bool momentum = node.has_input(1);
  if (momentum) require_floats(node, context.in(1), 1);
  const std::vector<double>&decays = node.numbers("decays"), &rates = node.numbers("rates");
  const size_t end = kFirstTriple + 3 * decays.size();
  const bool scaled = node.flag("scaled");
  require(rates.size() == decays.size() && node.inputs.size() <= end + (scaled ? 1 : 0), node,
          "one decay and one rate for each parameter");
  if (scaled) {
    require(node.has_input(end), node, "a factor of gradients");
    require_floats(node, context.in(end), 1);
  }
  TensorList<SgdTensor> tensors;
  for (size_t t = 0; t < decays.size(); ++t) {
    const size_t first = kFirstTriple + 3 * t, given = momentum ? 3 : 2;
    for (size_t i = 0; i < given; ++i) {
      require(node.has_input(first + i), node, "parameter, gradient and velocity for each decay");
      require_floats(node, context.in(first + i), context.in(first).elements());
    }
    SgdTensor tensor{};
    tensor.elements = context.in(first).elements();
    tensor.decay = static_cast<float>(decays[t]);
    tensor.rate = static_cast<float>(rates[t]);
    tensors.add(tensor);
  }
  StepPlan plan;
  plan.constant_bytes = tensors.bytes();
  plan.step = std::make_unique<SgdStep>(kit, std::move(tensors), momentum, node.flag("nesterov"), scaled);
  plan.mutates = true;
  plan.implementation = "sgd";
  return plan;
}

}  // namespace senet::cuda
