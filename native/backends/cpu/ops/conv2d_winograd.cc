#include "backends/cpu/ops/conv2d_winograd.h"

#include <memory>

#include "backends/cpu/convolution.h"
#include "backends/cpu/ops/check.h"

namespace senet::cpu {

namespace {

constexpr const char* kWinogradMark = "winograd";

const float* floats(const Binding& binding, size_t input) {
  return input < binding.inputs.size() ? static_cast<const float*>(binding.inputs[input]) : nullptr;
}

class WinogradStep final : public Step {
 public:
  WinogradStep(const Winograd& winograd, const Node& node, bool constant_weight)
      : winograd_(winograd),
        constant_weight_(constant_weight),
        fused_(node.op == "conv2d_fused"),
        relu_(fused_ && node.flag("relu")) {}

  size_t workspace_bytes() const {
    return winograd_.workspace_bytes() + (constant_weight_ ? 0 : winograd_.weight_bytes());
  }

  void bind(const Binding& b) override {
    x_ = floats(b, 0);
    weight_ = floats(b, 1);
    epilogue_ = {floats(b, 2), fused_ ? floats(b, 3) : nullptr, fused_ ? floats(b, 4) : nullptr, relu_};
    y_ = static_cast<float*>(b.outputs[0]);
    workspace_ = static_cast<float*>(b.workspace);
    packed_ = static_cast<float*>(constant_weight_ ? b.constants : b.workspace);
    if (!constant_weight_) workspace_ += winograd_.weight_bytes() / sizeof(float);
  }

  void refresh() override { winograd_.pack(weight_, packed_); }

  void run() override {
    if (!constant_weight_) winograd_.pack(weight_, packed_);
    winograd_.run(x_, packed_, epilogue_, workspace_, y_);
  }

 private:
  Winograd winograd_;
  bool constant_weight_, fused_, relu_;
  const float *x_ = nullptr, *weight_ = nullptr;
  ConvolutionEpilogue epilogue_;
  float *packed_ = nullptr, *workspace_ = nullptr, *y_ = nullptr;
};

class WinogradGradWeightStep final : public Step {
 public:
  explicit WinogradGradWeightStep(const WinogradGradWeight& winograd) : winograd_(winograd) {}

  void bind(const Binding& b) override {
    x_ = floats(b, 0), dy_ = floats(b, 1);
    dweight_ = static_cast<float*>(b.outputs[0]);
    workspace_ = static_cast<float*>(b.workspace);
  }

  void run() override { winograd_.run(x_, dy_, workspace_, dweight_); }

 private:
  WinogradGradWeight winograd_;
  const float *x_ = nullptr, *dy_ = nullptr;
  float *workspace_ = nullptr, *dweight_ = nullptr;
};

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

void mark_winograd(Node* node) {
  node->attributes[kWinogradMark] = true;
}

bool is_marked_winograd(const Node& node) {
  return node.attributes.count(kWinogradMark) > 0;
}

StepPlan prepare_conv2d_winograd(const PrepareContext& context) {
  const Node& node = context.node;
  const WinogradProblem problem = checked_problem(context);
  if (node.op == "conv2d_fused") {
    if (node.has_input(3)) require_per_channel(node, context.in(3), problem.y);
    if (node.has_input(4)) require_same_storage(node, context.in(4), context.out(0));
  }
  const Winograd winograd(problem);
  const bool constant_weight = context.constant_input[1];
  auto step = std::make_unique<WinogradStep>(winograd, node, constant_weight);
  StepPlan plan;
  plan.workspace_bytes = step->workspace_bytes();
  plan.constant_bytes = constant_weight ? winograd.weight_bytes() : 0;
  plan.extra_bytes = winograd.extra_bytes();
  plan.implementation = "winograd";
  plan.step = std::move(step);
  return plan;
}

StepPlan prepare_conv2d_grad_weight_winograd(const PrepareContext& context) {
  const WinogradGradWeight winograd(checked_problem(context));
  StepPlan plan;
  plan.workspace_bytes = winograd.workspace_bytes();
  plan.extra_bytes = winograd.extra_bytes();
  plan.implementation = "winograd";
  plan.step = std::make_unique<WinogradGradWeightStep>(winograd);
  return plan;
}

}  // namespace senet::cpu
