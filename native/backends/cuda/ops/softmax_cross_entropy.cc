// softmax_cross_entropy over logits [N,K]: loss and probabilities; its gradient in the logits. Labels outside the
// classes are found on the device and reported when the run is over; the loss is then a NaN.
#include "backends/cuda/ops/labels.h"
#include "core/error.h"

namespace senet::cuda {

namespace {

class SoftmaxCrossEntropyStep final : public Step {
 public:
  SoftmaxCrossEntropyStep(const Kit& kit, const LabelledRows& rows, double smoothing, std::string layer)
      : stream_(kit.stream),
        rows_(rows),
        smoothing_(smoothing),
        layer_(std::move(layer)),
        found_(sizeof(int32_t)) {}

  void bind(const Binding& binding) override { binding_ = binding; }

  void run() override {
    const Operands at(binding_);
    const Labels labels = labels_at(at, rows_);
    softmax_cross_entropy_forward(at.in(0), labels, smoothing_, at.out(0), at.out(1), rows_.rows,
                                  rows_.classes, at.workspace(), stream_->get());
    if (rows_.soft) return;
    check_labels(labels.classes, rows_.rows, rows_.classes, static_cast<int32_t*>(binding_.constants),
                 stream_->get());
    check_cuda(cudaMemcpyAsync(found_.data(), binding_.constants, sizeof(int32_t), cudaMemcpyDeviceToHost,
                               stream_->get()),
               "reading a check of labels");
  }

  void settle() override {
    if (rows_.soft) return;
    const int32_t sample = *static_cast<const int32_t*>(found_.data());
    if (sample < 0) return;
    throw Error(ErrorCode::kArgument, layer_ + ": the label of sample " + std::to_string(sample) +
                                          " is outside 0.." + std::to_string(rows_.classes - 1));
  }

 private:
  std::shared_ptr<const Stream> stream_;
  LabelledRows rows_;
  double smoothing_;
  std::string layer_;
  PinnedMemory found_;  // the first bad sample, or -1
  Binding binding_;
};

}  // namespace

StepPlan prepare_softmax_cross_entropy(const Kit& kit, const PrepareContext& context) {
  const Node& node = context.node;
  require_operands(node, 2, 2);
  const LabelledRows rows = checked_labels(context);
  require_floats(node, context.out(0), 1);
  require_same(node, context.in(0), context.out(1));
  StepPlan plan;
  plan.step = std::make_unique<SoftmaxCrossEntropyStep>(kit, rows, node.number("smoothing"), node.layer);
  plan.workspace_bytes = softmax_cross_entropy_forward_workspace_bytes(rows.rows);
  plan.constant_bytes = sizeof(int32_t);
  plan.reuse = {{1, 0}};
  plan.implementation = "softmax_cross_entropy";
  return plan;
}

StepPlan prepare_softmax_cross_entropy_grad(const Kit& kit, const PrepareContext& context) {
  const Node& node = context.node;
  require_operands(node, 3, 1);
  const LabelledRows rows = checked_labels(context);
  require_floats(node, context.in(2), 1);
  require_same(node, context.in(0), context.out(0));
  StepPlan plan =
      launch_plan("softmax_cross_entropy",
                  [stream = kit.stream, rows, smoothing = node.number("smoothing")](const Operands& at) {
                    softmax_cross_entropy_backward(at.in(0), labels_at(at, rows), smoothing, at.in(2),
                                                   at.out(0), rows.rows, rows.classes, stream->get());
                  });
  plan.reuse = {{0, 0}};
  return plan;
}

}  // namespace senet::cuda
