#include "backends/cpu/ops/conv2d_grouped.h"

#include <array>

#include "backends/cpu/convolution.h"
#include "backends/cpu/kernels/grouped_products.h"
#include "backends/cpu/ops/check.h"
#include "backends/cpu/ops/packed_convolution.h"

namespace senet::cpu {

namespace {

bool channels_last(const Value& value) {
  const MapLayout map = layout_of(value);
  return map.block == map.channels;
}

}  // namespace

bool is_grouped_products(const Graph& graph, const Node& node) {
  const ConvolutionProblem p = convolution_problem(graph, node);
  const std::array<int64_t, 2> ones{1, 1};
  return p.direction == ConvolutionDirection::kForward && onednn_block() == 8 && p.groups > 1 &&
         p.in_channels > p.groups && p.kernel == ones && p.stride == ones &&
         p.padding == std::array<int64_t, 4>{} && channels_last(graph.values[node.input(0)]) &&
         channels_last(graph.values[node.output(0)]);
}

StepPlan prepare_conv2d_grouped(const PrepareContext& context) {
  const Node& node = context.node;
  require_operands(node, 2, 1);
  const ConvolutionProblem p = convolution_problem(context.graph, node);
  checked_layout(node, context.in(0));
  const MapLayout y = checked_layout(node, context.out(0));
  const GroupedProblem problem{p.images, y.positions(), p.in_channels, p.out_channels, p.groups};
  StepPlan plan = plan_packed_convolution(context, GroupedProducts(problem), y);
  plan.implementation = "grouped_products";
  return plan;
}

}  // namespace senet::cpu
