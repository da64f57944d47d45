#include "backends/cpu/ops/conv2d_winograd.h"

#include "backends/cpu/convolution.h"
#include "backends/cpu/ops/check.h"
#include "backends/cpu/ops/grad_weight.h"
#include "backends/cpu/ops/packed_convolution.h"

namespace senet::cpu {

namespace {

// What a marked node can be computed by; the operands are checked.
WinogradProblem checked_problem(const PrepareContext& context) {
  require_operands(context.node, 2, 1);
  const auto problem = winograd_problem(context.graph, context.node);
  require(problem.has_value(), context.node, "a 3x3 convolution of stride 1 on maps of whole vectors");
  const ConvolutionValues ids = convolution_values(context.node);
  checked_layout(context.node, context.graph.values[ids.x]);
  checked_layout(context.node, context.graph.values[ids.y]);
  return *problem;
}

}  // namespace

std::optional<WinogradProblem> winograd_problem(const Graph& graph, const Node& node) {
  if (node.op.rfind("conv2d", 0) != 0) return std::nullopt;
  const ConvolutionProblem p = convolution_problem(graph, node);
  const std::array<int64_t, 2> ones{1, 1};
  if (p.groups != 1 || p.kernel != std::array<int64_t, 2>{3, 3} || p.stride != ones || p.dilation != ones) {
    return std::nullopt;
  }
  const ConvolutionValues ids = convolution_values(node);
  const MapLayout x = layout_of(graph.values[ids.x]), y = layout_of(graph.values[ids.y]);
  WinogradProblem problem{WinogradDirection::kForward, x, y, p.padding[0], p.padding[2]};
  if (p.direction == ConvolutionDirection::kGradInput) {
    problem = {WinogradDirection::kGradInput, y, x, 2 - p.padding[0], 2 - p.padding[2]};
  } else if (p.direction == ConvolutionDirection::kGradWeight) {
    if (p.bias) return std::nullopt;
    problem.direction = WinogradDirection::kGradWeight;
  }
  if (!problem.is_suitable()) return std::nullopt;
  return problem;
}

StepPlan prepare_conv2d_winograd(const PrepareContext& context) {
  const WinogradProblem problem = checked_problem(context);
  const Winograd winograd(problem);
  StepPlan plan = plan_packed_convolution(context, winograd, problem.y);
  plan.extra_bytes = winograd.extra_bytes();
  plan.implementation = "winograd";
  return plan;
}

StepPlan prepare_conv2d_grad_weight_winograd(const PrepareContext& context) {
  const WinogradGradWeight winograd(checked_problem(context));
  StepPlan plan = plan_grad_weight(winograd, "winograd");
  plan.extra_bytes = winograd.extra_bytes();
  return plan;
}

}  // namespace senet::cpu
