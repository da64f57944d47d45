#include "backends/cpu/ops/conv2d_group_gradient.h"

#include <memory>

#include "backends/cpu/convolution.h"
#include "backends/cpu/kernels/group_gradient.h"
#include "backends/cpu/ops/check.h"

namespace senet::cpu {

namespace {

class GroupGradientStep final : public Step {
 public:
  explicit GroupGradientStep(const GroupGradient& gradient) : gradient_(gradient) {}

  void bind(const Binding& b) override {
    x_ = static_cast<const float*>(b.inputs[0]);
    dy_ = static_cast<const float*>(b.inputs[1]);
    dweight_ = static_cast<float*>(b.outputs[0]);
    workspace_ = static_cast<float*>(b.workspace);
  }

  void run() override { gradient_.run(x_, dy_, workspace_, dweight_); }

 private:
  GroupGradient gradient_;
  const float *x_ = nullptr, *dy_ = nullptr;
  float *workspace_ = nullptr, *dweight_ = nullptr;
};

GroupGradientProblem group_gradient_problem(const Graph& graph, const Node& node) {
  const ConvolutionProblem p = convolution_problem(graph, node);
  const ConvolutionValues ids = convolution_values(node);
  return {.x = layout_of(graph.values[ids.x]),
          .y = layout_of(graph.values[ids.y]),
          .group = p.in_channels / p.groups,
          .kernel = p.kernel,
          .stride = p.stride,
          .dilation = p.dilation,
          .pad_top = p.padding[0],
          .pad_left = p.padding[2]};
}

}  // namespace

bool is_group_gradient(const Graph& graph, const Node& node) {
  const ConvolutionProblem p = convolution_problem(graph, node);
  if (onednn_block() != 8 || p.groups == 1 || p.bias) return false;
  const GroupGradientProblem problem = group_gradient_problem(graph, node);
  return problem.is_suitable() && problem.pays();
}

StepPlan prepare_conv2d_group_gradient(const PrepareContext& context) {
  const Node& node = context.node;
  require_operands(node, 2, 1);
  const ConvolutionValues ids = convolution_values(node);
  checked_layout(node, context.graph.values[ids.x]);
  checked_layout(node, context.graph.values[ids.y]);
  const GroupGradient gradient(group_gradient_problem(context.graph, node));
  StepPlan plan;
  plan.workspace_bytes = gradient.workspace_bytes();
  plan.implementation = "group_gradient";
  plan.step = std::make_unique<GroupGradientStep>(gradient);
  return plan;
}

}  // namespace senet::cpu
