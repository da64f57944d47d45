// sgd, for each (parameter p, gradient g, velocity v) by PyTorch's rule, in one sweep over all tensors:
// g = factor * g + decay * p; v = momentum * v + g; p -= rate * lr * (nesterov ? g + momentum * v : v); without
// momentum p -= rate * lr * g. The factor is 1 unless a last input holds it.
#include "backends/cpu/ops/flat_sweep.h"
#include "backends/cpu/table.h"

namespace senet::cpu {
namespace {

class SgdStep final : public Step {
 public:
  // sizes, decays and rates: one per triple.
  SgdStep(const std::vector<int64_t>& sizes, const std::vector<double>& decays,
          const std::vector<double>& rates, bool has_momentum, bool nesterov)
      : tensors_(sizes.size()), has_momentum_(has_momentum), nesterov_(nesterov) {
    for (size_t t = 0; t < sizes.size(); ++t) {
      sweep_.add(sizes[t]);
      tensors_[t].decay = static_cast<float>(decays[t]);
      tensors_[t].rate = static_cast<float>(rates[t]);
    }
  }

  void bind(const Binding& binding) override {
    lr_ = static_cast<const float*>(binding.inputs[0]);
    momentum_ = static_cast<const float*>(binding.inputs[1]);
    for (size_t t = 0; t < tensors_.size(); ++t) {
      // sgd changes parameters and velocities in place, though they come as inputs.
      tensors_[t].parameter = static_cast<float*>(const_cast<void*>(binding.inputs[2 + 3 * t]));
      tensors_[t].gradient = static_cast<const float*>(binding.inputs[3 + 3 * t]);
      if (has_momentum_)
        tensors_[t].velocity = static_cast<float*>(const_cast<void*>(binding.inputs[4 + 3 * t]));
    }
    const size_t last = 2 + 3 * tensors_.size();
    if (binding.inputs.size() > last) factor_ = static_cast<const float*>(binding.inputs[last]);
  }

  void run() override {
    sweep_.run([this](size_t t, int64_t begin, int64_t end) {
      if (!has_momentum_) {
        update_plain(tensors_[t], begin, end);
      } else if (nesterov_) {
        update<true>(tensors_[t], begin, end);
      } else {
        update<false>(tensors_[t], begin, end);
      }
    });
  }

 private:
  struct Tensor {
    float* parameter = nullptr;
    const float* gradient = nullptr;
    float* velocity = nullptr;
    float decay = 0;
    float rate = 1;
  };

  Vec factor() const { return broadcast(factor_ == nullptr ? 1.0F : *factor_); }

  void update_plain(const Tensor& tensor, int64_t begin, int64_t end) const {
    const Vec lr = broadcast(*lr_ * tensor.rate), decay = broadcast(tensor.decay), scale = factor();
    elementwise_range(
        begin, end, tensor.parameter, [=](Vec p, Vec g) { return p - lr * (scale * g + decay * p); },
        tensor.parameter, tensor.gradient);
  }

  template <bool kNesterov>
  void update(const Tensor& tensor, int64_t begin, int64_t end) const {
    const Vec lr = broadcast(*lr_ * tensor.rate), decay = broadcast(tensor.decay),
              momentum = broadcast(*momentum_), scale = factor();
    const auto step = [&](int64_t i, int64_t width) {
      const Vec p = load(tensor.parameter + i, width);
      const Vec g = scale * load(tensor.gradient + i, width) + decay * p;
      const Vec v = momentum * load(tensor.velocity + i, width) + g;
      store(tensor.velocity + i, v, width);
      store(tensor.parameter + i, p - lr * (kNesterov ? g + momentum * v : v), width);
    };
    int64_t i = begin;
    for (; i + kLanes <= end; i += kLanes) step(i, kLanes);
    if (i < end) step(i, end - i);
  }

  FlatSweep sweep_;
  std::vector<Tensor> tensors_;
  bool has_momentum_, nesterov_;
  const float* lr_ = nullptr;
  const float* momentum_ = nullptr;
  const float* factor_ = nullptr;
};

}  // namespace

StepPlan prepare_sgd(const PrepareContext& context) {
  const Node& node = context.node;
  require_operands(node, 1, 0);
  require_scalar(context, 0, "an lr");
  const bool momentum = node.has_input(1);
  if (momentum) require_scalar(context, 1, "a momentum");
  const std::vector<double>&decays = node.numbers("decays"), &rates = node.numbers("rates");
  const size_t end = 2 + 3 * decays.size();
  const bool scaled = node.flag("scaled");
  require(rates.size() == decays.size() && node.inputs.size() <= end + (scaled ? 1 : 0), node,
          "one decay and one rate for each parameter");
  if (scaled) require_scalar(context, end, "a factor of gradients");
  std::vector<int64_t> sizes;
  for (size_t t = 0; t < decays.size(); ++t) {
    const size_t first = 2 + 3 * t;
    require(node.has_input(first) && node.has_input(first + 1), node,
            "a parameter and a gradient for each decay");
    require_same_storage(node, context.in(first), context.in(first + 1));
    if (momentum) {
      require(node.has_input(first + 2), node, "a velocity for each parameter");
      require_same_storage(node, context.in(first), context.in(first + 2));
    }
    sizes.push_back(context.in(first).elements());
  }
  StepPlan plan;
  plan.step = std::make_unique<SgdStep>(sizes, decays, rates, momentum, node.flag("nesterov"));
  plan.mutates = true;
  plan.implementation = "simd";
  return plan;
}

}  // namespace senet::cpu
