#include "backends/cpu/ops/conv2d_group_gradient.h"

#include "backends/cpu/convolution.h"
#include "backends/cpu/ops/check.h"
#include "backends/cpu/ops/grad_weight.h"

namespace senet::cpu {

std::optional<GroupGradientProblem> group_gradient_problem(const Graph& graph, const Node& node) {
  const ConvolutionProblem p = convolution_problem(graph, node);
  if (p.direction != ConvolutionDirection::kGradWeight) return std::nullopt;
  if (onednn_block() != 8 || p.groups == 1 || p.bias) return std::nullopt;
  const ConvolutionValues ids = convolution_values(node);
  const GroupGradientProblem problem{.x = layout_of(graph.values[ids.x]),
                                     .y = layout_of(graph.values[ids.y]),
                                     .group = p.in_channels / p.groups,
                                     .kernel = p.kernel,
                                     .stride = p.stride,
                                     .dilation = p.dilation,
                                     .pad_top = p.padding[0],
                                     .pad_left = p.padding[2]};
  return problem.is_suitable() ? std::optional(problem) : std::nullopt;
}

StepPlan prepare_conv2d_group_gradient(const PrepareContext& context) {
  const Node& node = context.node;
  require_operands(node, 2, 1);
  const ConvolutionValues ids = convolution_values(node);
  checked_layout(node, context.graph.values[ids.x]);
  checked_layout(node, context.graph.values[ids.y]);
  const auto problem = group_gradient_problem(context.graph, node);
  require(problem.has_value(), node, "groups of 1, 2 or 4 channels, of maps of whole vectors");
  return plan_grad_weight(GroupGradient(*problem), "group_gradient");
}

}  // namespace senet::cpu
