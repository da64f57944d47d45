// adamw, for each (parameter p, gradient g, running means m of g and v of its square) by PyTorch's rule, in one sweep
// over all tensors, with t the updates done, this one included: g = factor * g; m = beta1 * m + (1 - beta1) * g;
// v = beta2 * v + (1 - beta2) * g * g;
// p = (1 - rate * lr * decay) * p - rate * lr / (1 - beta1^t) * m / (sqrt(v / (1 - beta2^t)) + epsilon).
#include <cmath>

#include "backends/cpu/ops/flat_sweep.h"
#include "backends/cpu/table.h"

namespace senet::cpu {
namespace {

struct Tensor {
  float* parameter = nullptr;
  const float* gradient = nullptr;
  float* mean = nullptr;
  float* square = nullptr;
  float decay = 0;
  float rate = 1;
};

struct Rule {
  double beta1, beta2, epsilon;
};

// Inputs: lr, updates done, then the four of each parameter, and a factor if there is one.
constexpr size_t kFirst = 2, kEach = 4;

Vec square_root(Vec x) {
  Vec root;
  for (int64_t lane = 0; lane < kLanes; ++lane) root[lane] = std::sqrt(x[lane]);
  return root;
}

class AdamwStep final : public Step {
 public:
  // sizes: elements of each.
  AdamwStep(const std::vector<int64_t>& sizes, std::vector<Tensor> tensors, const Rule& rule)
      : tensors_(std::move(tensors)), rule_(rule) {
    for (int64_t size : sizes) sweep_.add(size);
  }

  void bind(const Binding& binding) override {
    // Parameters and states are changed in place, though they come as inputs.
    const auto changed = [&](size_t i) { return static_cast<float*>(const_cast<void*>(binding.inputs[i])); };
    lr_ = static_cast<const float*>(binding.inputs[0]);
    updates_ = changed(1);
    for (size_t t = 0; t < tensors_.size(); ++t) {
      const size_t first = kFirst + kEach * t;
      tensors_[t].parameter = changed(first);
      tensors_[t].gradient = static_cast<const float*>(binding.inputs[first + 1]);
      tensors_[t].mean = changed(first + 2);
      tensors_[t].square = changed(first + 3);
    }
    const size_t last = kFirst + kEach * tensors_.size();
    if (binding.inputs.size() > last) factor_ = static_cast<const float*>(binding.inputs[last]);
  }

  void run() override {
    *updates_ += 1;
    const auto t = static_cast<double>(*updates_);
    // expm1, as most digits of a small 1 - beta^t are lost in a difference.
    const double correction1 = -std::expm1(t * std::log(rule_.beta1));
    const double correction2 = -std::expm1(t * std::log(rule_.beta2));
    const auto step = static_cast<float>(static_cast<double>(*lr_) / correction1);
    const auto unbias = static_cast<float>(1 / std::sqrt(correction2));
    sweep_.run(
        [=, this](size_t i, int64_t begin, int64_t end) { update(tensors_[i], begin, end, step, unbias); });
  }

 private:
  void update(const Tensor& tensor, int64_t begin, int64_t end, float step, float unbias) const {
    const Vec fresh1 = broadcast(static_cast<float>(1 - rule_.beta1)),
              fresh2 = broadcast(static_cast<float>(1 - rule_.beta2)),
              beta1 = broadcast(static_cast<float>(rule_.beta1)),
              beta2 = broadcast(static_cast<float>(rule_.beta2)),
              epsilon = broadcast(static_cast<float>(rule_.epsilon));
    const Vec factor = broadcast(factor_ == nullptr ? 1.0F : *factor_);
    const Vec kept = broadcast(1 - *lr_ * tensor.rate * tensor.decay), size = broadcast(step * tensor.rate);
    const auto change = [&](int64_t i, int64_t width) {
      const Vec g = factor * load(tensor.gradient + i, width);
      const Vec m = beta1 * load(tensor.mean + i, width) + fresh1 * g;
      const Vec v = beta2 * load(tensor.square + i, width) + fresh2 * g * g;
      const Vec p =
          kept * load(tensor.parameter + i, width) - size * (m / (square_root(v) * unbias + epsilon));
      store(tensor.mean + i, m, width);
      store(tensor.square + i, v, width);
      store(tensor.parameter + i, p, width);
    };
    int64_t i = begin;
    for (; i + kLanes <= end; i += kLanes) change(i, kLanes);
    if (i < end) change(i, end - i);
  }

  FlatSweep sweep_;
  std::vector<Tensor> tensors_;
  Rule rule_;
  const float* lr_ = nullptr;
  float* updates_ = nullptr;
  const float* factor_ = nullptr;
};

}  // namespace

StepPlan prepare_adamw(const PrepareContext& context) {
  const Node& node = context.node;
  const std::vector<double>&decays = node.numbers("decays"), &rates = node.numbers("rates");
  const bool scaled = node.flag("scaled");
  const size_t end = kFirst + kEach * decays.size();
  require(rates.size() == decays.size(), node, "one decay and one rate for each parameter");
  require_operands(node, end + (scaled ? 1 : 0), 0);
  require_scalar(context, 0, "an lr");
  require_scalar(context, 1, "a count of updates");
  if (scaled) require_scalar(context, end, "a factor of gradients");
  std::vector<int64_t> sizes;
  std::vector<Tensor> tensors(decays.size());
  for (size_t t = 0; t < decays.size(); ++t) {
    const size_t first = kFirst + kEach * t;
    for (size_t i = 1; i < kEach; ++i) require_same_storage(node, context.in(first), context.in(first + i));
    sizes.push_back(context.in(first).elements());
    tensors[t].decay = static_cast<float>(decays[t]);
    tensors[t].rate = static_cast<float>(rates[t]);
  }
  const Rule rule = {node.number("beta1"), node.number("beta2"), node.number("epsilon")};
  StepPlan plan;
  plan.step = std::make_unique<AdamwStep>(sizes, std::move(tensors), rule);
  plan.mutates = true;
  plan.implementation = "simd";
  return plan;
}

}  // namespace senet::cpu
