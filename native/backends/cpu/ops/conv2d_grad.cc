// The gradients of conv2d in its input and in its weight and bias, by oneDNN where lower() says nothing else.
#include <memory>

#include "backends/cpu/convolution.h"
#include "backends/cpu/layout.h"
#include "backends/cpu/ops/check.h"
#include "backends/cpu/ops/conv2d_group_gradient.h"
#include "backends/cpu/ops/conv2d_strips.h"
#include "backends/cpu/ops/conv2d_winograd.h"
#include "backends/cpu/table.h"

namespace senet::cpu {

namespace {

class Conv2dGradInputStep final : public Step {
 public:
  explicit Conv2dGradInputStep(Convolution convolution) : convolution_(std::move(convolution)) {}

  void bind(const Binding& b) override {
    convolution_.bind({b.outputs[0], b.inputs[1], nullptr, b.inputs[0]}, b.workspace, b.constants);
  }

  void run() override {
    convolution_.pack_weight();
    convolution_.run();
  }

 private:
  Convolution convolution_;
};

class Conv2dGradWeightStep final : public Step {
 public:
  explicit Conv2dGradWeightStep(Convolution convolution) : convolution_(std::move(convolution)) {}

  void bind(const Binding& b) override {
    const void* dbias = b.outputs.size() > 1 ? b.outputs[1] : nullptr;
    convolution_.bind({b.inputs[0], b.outputs[0], dbias, b.inputs[1]}, b.workspace, b.constants);
  }

  void run() override { convolution_.run(); }

 private:
  Convolution convolution_;
};

template <typename GradStep>
StepPlan prepare_grad(const PrepareContext& context) {
  const Node& node = context.node;
  require_operands(node, 2, 1);
  const ConvolutionValues ids = convolution_values(node);
  const ConvolutionProblem problem = convolution_problem(context.graph, node);
  Convolution convolution(node.layer, problem, layout_of(context.graph.values[ids.x]).block,
                          layout_of(context.graph.values[ids.y]).block, false);
  StepPlan plan;
  plan.workspace_bytes = convolution.workspace_bytes();
  plan.implementation = convolution.implementation();
  plan.step = std::make_unique<GradStep>(std::move(convolution));
  return plan;
}

}  // namespace

StepPlan prepare_conv2d_grad_input(const PrepareContext& context) {
  const ConvolutionAlgorithm algorithm = algorithm_of(context.node);
  if (algorithm == ConvolutionAlgorithm::kWinograd) return prepare_conv2d_winograd(context);
  if (algorithm == ConvolutionAlgorithm::kStrips) return prepare_conv2d_strips(context);
  return prepare_grad<Conv2dGradInputStep>(context);
}

StepPlan prepare_conv2d_grad_weight(const PrepareContext& context) {
  const ConvolutionAlgorithm algorithm = algorithm_of(context.node);
  if (algorithm == ConvolutionAlgorithm::kWinograd) return prepare_conv2d_grad_weight_winograd(context);
  if (algorithm == ConvolutionAlgorithm::kGroups) return prepare_conv2d_group_gradient(context);
  return prepare_grad<Conv2dGradWeightStep>(context);
}

}  // namespace senet::cpu
