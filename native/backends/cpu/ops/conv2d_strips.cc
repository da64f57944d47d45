#include "backends/cpu/ops/conv2d_strips.h"

#include <omp.h>

#include <array>
#include <utility>

#include "backends/cpu/ops/check.h"
#include "backends/cpu/ops/packed_convolution.h"

namespace senet::cpu {

std::optional<StripProblem> strip_problem(const ConvolutionProblem& p, int64_t x_block, int64_t y_block) {
  if (onednn_block() != 8) return std::nullopt;
  const MapLayout x{p.images, p.in_channels, p.in_height, p.in_width, x_block};
  const MapLayout y{p.images, p.out_channels, p.out_height, p.out_width, y_block};
  StripProblem problem{x, y, p.groups, p.kernel, p.stride, p.dilation, p.padding[0], p.padding[2]};
  if (p.direction == ConvolutionDirection::kGradInput) {
    if (p.stride != std::array<int64_t, 2>{1, 1}) return std::nullopt;
    std::swap(problem.x, problem.y);
    problem.pad_top = (p.kernel[0] - 1) * p.dilation[0] - p.padding[0];
    problem.pad_left = (p.kernel[1] - 1) * p.dilation[1] - p.padding[2];
    problem.turned = true;
  }
  const bool is_product = p.direction != ConvolutionDirection::kGradWeight && problem.is_suitable();
  return is_product ? std::optional(problem) : std::nullopt;
}

StepPlan prepare_conv2d_strips(const PrepareContext& context) {
  const Node& node = context.node;
  require_operands(node, 2, 1);
  const ConvolutionValues ids = convolution_values(node);
  const MapLayout x = checked_layout(node, context.graph.values[ids.x]);
  const MapLayout y = checked_layout(node, context.graph.values[ids.y]);
  const auto problem = strip_problem(convolution_problem(context.graph, node), x.block, y.block);
  require(problem.has_value(), node, "groups of whole vectors or of 4 channels");
  StepPlan plan = plan_packed_convolution(context, Strips(*problem, omp_get_max_threads()), problem->y);
  plan.implementation = "strips";
  return plan;
}

}  // namespace senet::cpu
