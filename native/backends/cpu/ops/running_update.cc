// running_update, for each (running mean, running variance, batch mean, batch variance):
// running = (1 - momentum) * running + momentum * batch, the batch variance first made unbiased by M / (M -
// 1) where M values went into it (M = 1 leaves it).
#include "backends/cpu/ops/flat_sweep.h"
#include "backends/cpu/table.h"

namespace senet::cpu {
namespace {

class RunningUpdateStep final : public Step {
 public:
  RunningUpdateStep(const std::vector<int64_t>& channels, const std::vector<double>& counts, double momentum)
      : tensors_(2 * channels.size()), keep_(static_cast<float>(1 - momentum)) {
    for (size_t i = 0; i < channels.size(); ++i) {
      sweep_.add(channels[i]);
      sweep_.add(channels[i]);
      const double unbiased = counts[i] > 1 ? counts[i] / (counts[i] - 1) : 1;
      tensors_[2 * i].weight = static_cast<float>(momentum);
      tensors_[2 * i + 1].weight = static_cast<float>(momentum * unbiased);
    }
  }

  void bind(const Binding& binding) override {
    for (size_t t = 0; t < tensors_.size(); ++t) {
      const size_t quadruple = t / 2 * 4;
      // The running statistics are changed in place, though they come as inputs.
      tensors_[t].running = static_cast<float*>(const_cast<void*>(binding.inputs[quadruple + t % 2]));
      tensors_[t].batch = static_cast<const float*>(binding.inputs[quadruple + 2 + t % 2]);
    }
  }

  void run() override {
    sweep_.run([this](size_t t, int64_t begin, int64_t end) {
      const Tensor& tensor = tensors_[t];
      const Vec keep = broadcast(keep_), weight = broadcast(tensor.weight);
      elementwise_range(
          begin, end, tensor.running, [=](Vec running, Vec batch) { return keep * running + weight * batch; },
          tensor.running, tensor.batch);
    });
  }

 private:
  struct Tensor {
    float* running = nullptr;
    const float* batch = nullptr;
    float weight = 0;
  };

  FlatSweep sweep_;
  std::vector<Tensor> tensors_;  // mean and variance of each quadruple
  float keep_;
};

}  // namespace

StepPlan prepare_running_update(const PrepareContext& context) {
  const Node& node = context.node;
  const std::vector<double>& counts = node.numbers("counts");
  require(node.inputs.size() == 4 * counts.size(), node, "four inputs for each count");
  require_operands(node, node.inputs.size(), 0);
  std::vector<int64_t> channels;
  for (size_t i = 0; i < counts.size(); ++i) {
    for (size_t j = 1; j < 4; ++j) require_same_storage(node, context.in(4 * i), context.in(4 * i + j));
    channels.push_back(context.in(4 * i).elements());
  }
  StepPlan plan;
  plan.step = std::make_unique<RunningUpdateStep>(channels, counts, node.number("momentum"));
  plan.mutates = true;
  plan.implementation = "simd";
  return plan;
}

}  // namespace senet::cpu
