// Dynamic loss scaling. loss_scale: the scale and its inverse, from the state. loss_scale_update, between gradients and
// optimizer: looks for an overflow among the gradients, which skips the step's updates, and changes the state.
#include "backends/cuda/ops/tensor_list.h"
#include "core/error.h"
#include "core/memory_plan.h"

namespace senet::cuda {

namespace {

constexpr int64_t kStateFloats = sizeof(LossScale) / sizeof(float);

class LossScaleUpdateStep final : public Step {
 public:
  LossScaleUpdateStep(const Kit& kit, TensorList<FiniteTensor> gradients, std::vector<std::string> names)
      : stream_(kit.stream),
        failed_(kit.failed),
        gradients_(std::move(gradients)),
        names_(std::move(names)),
        found_(found_bytes()) {}

  size_t constant_bytes() const { return align_up(gradients_.bytes()) + found_bytes(); }

  void bind(const Binding& binding) override {
    // The state is changed in place, though it comes as an input.
    state_ = static_cast<LossScale*>(const_cast<void*>(binding.inputs[0]));
    for (size_t t = 0; t < names_.size(); ++t) gradients_[t].values = binding.inputs[1 + t];
    gradients_.upload(binding.constants, *stream_);
    bad_ =
        reinterpret_cast<int32_t*>(static_cast<std::byte*>(binding.constants) + align_up(gradients_.bytes()));
  }

  void run() override {
    int32_t *overflow = bad_ + names_.size(), *hopeless = overflow + 1;
    check_cuda(cudaMemsetAsync(bad_, 0, found_bytes(), stream_->get()), "clearing a check");
    find_non_finite(gradients_.device(), gradients_.count(), gradients_.largest(), bad_, overflow,
                    stream_->get());
    loss_scale_update(state_, overflow, failed_, hopeless, stream_->get());
    check_cuda(cudaMemcpyAsync(found_.data(), bad_, found_bytes(), cudaMemcpyDeviceToHost, stream_->get()),
               "reading a check");
  }

  void settle() override {
    const auto* found = static_cast<const int32_t*>(found_.data());
    const bool hopeless = found[names_.size() + 1] != 0;
    for (size_t t = 0; hopeless && t < names_.size(); ++t) {
      if (found[t] != 0) throw NonFiniteError(names_[t], "gradient");
    }
  }

 private:
  // One for each gradient, whether any, and whether that is the end.
  size_t found_bytes() const { return (names_.size() + 2) * sizeof(int32_t); }

  std::shared_ptr<const Stream> stream_;
  int32_t* failed_;
  TensorList<FiniteTensor> gradients_;
  std::vector<std::string> names_;
  PinnedMemory found_;
  LossScale* state_ = nullptr;
  int32_t* bad_ = nullptr;
};

}  // namespace

StepPlan prepare_loss_scale(const Kit& kit, const PrepareContext& context) {
  require_operands(context.node, 1, 2);
  require_floats(context.node, context.in(0), kStateFloats);
  for (size_t i : {0, 1}) require_output_floats(context, i, 1);
  return launch_plan("loss_scale", [stream = kit.stream](const Operands& at) {
    loss_scale(at.in<LossScale>(0), at.out(0), at.out(1), stream->get());
  });
}

StepPlan prepare_loss_scale_update(const Kit& kit, const PrepareContext& context) {
  const Node& node = context.node;
  require_operands(node, node.inputs.size(), 0);
  require(node.inputs.size() > 1, node, "a state and gradients");
  require_floats(node, context.in(0), kStateFloats);
  TensorList<FiniteTensor> gradients;
  std::vector<std::string> names;
  for (size_t i = 1; i < node.inputs.size(); ++i) {
    require(is_float(context.in(i)), node, "floats in '" + context.in(i).name + "'");
    FiniteTensor gradient{};
    gradient.elements = context.in(i).elements();
    gradient.storage = storage_of(context.in(i));
    gradients.add(gradient);
    names.push_back(context.in(i).name);
  }
  auto step = std::make_unique<LossScaleUpdateStep>(kit, std::move(gradients), std::move(names));
  StepPlan plan;
  plan.constant_bytes = step->constant_bytes();
  plan.step = std::move(step);
  plan.mutates = true;
  plan.implementation = "loss_scale";
  return plan;
}

}  // namespace senet::cuda
