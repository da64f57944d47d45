// clip_factor: what gradients are multiplied with so that the norm of all together is at most "limit", and that norm.
#include "backends/cuda/ops/tensor_list.h"

namespace senet::cuda {

namespace {

class ClipFactorStep final : public Step {
 public:
  ClipFactorStep(const Kit& kit, TensorList<NormTensor> tensors, double limit)
      : stream_(kit.stream), tensors_(std::move(tensors)), limit_(limit) {}

  void bind(const Binding& binding) override {
    const Operands at(binding);
    scale_ = at.in(0);
    factor_ = at.out(0);
    norm_ = at.out(1);
    for (int t = 0; t < tensors_.count(); ++t) {
      tensors_[t].values = at.in(1 + static_cast<size_t>(t));
      tensors_[t].aligned = are_aligned({tensors_[t].values});
    }
    workspace_ = binding.workspace;
    tensors_.upload(binding.constants, *stream_);
  }

  void run() override {
    clip_factor(tensors_.device(), tensors_.count(), tensors_.largest(), limit_, scale_, factor_, norm_,
                workspace_, stream_->get());
  }

 private:
  std::shared_ptr<const Stream> stream_;
  TensorList<NormTensor> tensors_;
  double limit_;
  const float* scale_ = nullptr;
  float* factor_ = nullptr;
  float* norm_ = nullptr;
  void* workspace_ = nullptr;
};

}  // namespace

StepPlan prepare_clip_factor(const Kit& kit, const PrepareContext& context) {
  const Node& node = context.node;
  require(node.inputs.size() > 1, node, "gradients");
  require_operands(node, 0, 2);
  require_input_floats(context, 0, 1);
  for (size_t i : {0, 1}) require_output_floats(context, i, 1);
  TensorList<NormTensor> tensors;
  for (size_t i = 1; i < node.inputs.size(); ++i) {
    require(node.has_input(i), node, "all gradients");
    NormTensor tensor{};
    tensor.elements = context.in(i).elements();
    require_floats(node, context.in(i), tensor.elements);
    tensors.add(tensor);
  }
  StepPlan plan;
  plan.constant_bytes = tensors.bytes();
  plan.workspace_bytes = clip_factor_workspace_bytes(tensors.count(), tensors.largest());
  plan.step = std::make_unique<ClipFactorStep>(kit, std::move(tensors), node.number("limit"));
  plan.implementation = "clip_factor";
  return plan;
}

}  // namespace senet::cuda
