#include "backends/cpu/ops/conv2d_grouped.h"

#include <array>
#include <memory>

#include "backends/cpu/convolution.h"
#include "backends/cpu/kernels/grouped_products.h"
#include "backends/cpu/ops/check.h"

namespace senet::cpu {

namespace {

class GroupedStep final : public Step {
 public:
  GroupedStep(const GroupedProblem& problem, bool constant_weight, bool relu)
      : products_(problem), constant_weight_(constant_weight) {
    epilogue_.relu = relu;
  }

  size_t weight_bytes() const { return products_.weight_bytes(); }

  void bind(const Binding& b) override {
    const auto input = [&](size_t i) {
      return i < b.inputs.size() ? static_cast<const float*>(b.inputs[i]) : nullptr;
    };
    x_ = input(0), weight_ = input(1);
    epilogue_.bias = input(2), epilogue_.gate = input(3), epilogue_.residual = input(4);
    y_ = static_cast<float*>(b.outputs[0]);
    packed_ = static_cast<float*>(constant_weight_ ? b.constants : b.workspace);
  }

  void refresh() override { products_.pack(weight_, packed_); }

  void run() override {
    if (!constant_weight_) products_.pack(weight_, packed_);
    products_.run(x_, packed_, epilogue_, y_);
  }

 private:
  GroupedProducts products_;
  bool constant_weight_;
  ConvolutionEpilogue epilogue_;
  const float *x_ = nullptr, *weight_ = nullptr;
  float *packed_ = nullptr, *y_ = nullptr;
};

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
  if (node.has_input(3)) require_per_channel(node, context.in(3), y);
  if (node.has_input(4)) require_same_storage(node, context.in(4), context.out(0));
  const bool constant_weight = context.constant_input[1];
  auto step = std::make_unique<GroupedStep>(
      GroupedProblem{p.images, y.positions(), p.in_channels, p.out_channels, p.groups}, constant_weight,
      node.op == "conv2d_fused" && node.flag("relu"));
  StepPlan plan;
  (constant_weight ? plan.constant_bytes : plan.workspace_bytes) = step->weight_bytes();
  plan.reuse = {{0, 4}};
  plan.implementation = "grouped_products";
  plan.step = std::move(step);
  return plan;
}

}  // namespace senet::cpu
