#include "backends/cpu/ops/conv2d_strips.h"

#include <omp.h>

#include <array>
#include <memory>
#include <utility>

#include "backends/cpu/ops/check.h"

namespace senet::cpu {

namespace {

constexpr const char* kStripsMark = "strips";

class StripStep final : public Step {
 public:
  StripStep(const Strips& strips, bool constant_weight, bool relu)
      : strips_(strips), constant_weight_(constant_weight) {
    epilogue_.relu = relu;
  }

  void bind(const Binding& b) override {
    const auto input = [&](size_t i) {
      return i < b.inputs.size() ? static_cast<const float*>(b.inputs[i]) : nullptr;
    };
    x_ = input(0), weight_ = input(1);
    epilogue_.bias = input(2), epilogue_.gate = input(3), epilogue_.residual = input(4);
    y_ = static_cast<float*>(b.outputs[0]);
    workspace_ = static_cast<float*>(b.workspace);
    packed_ = static_cast<float*>(constant_weight_ ? b.constants : b.workspace);
    if (!constant_weight_) workspace_ += strips_.weight_bytes() / sizeof(float);
  }

  void refresh() override { strips_.pack(weight_, packed_); }

  void run() override {
    if (!constant_weight_) strips_.pack(weight_, packed_);
    strips_.run(x_, packed_, epilogue_, workspace_, y_);
  }

 private:
  Strips strips_;
  bool constant_weight_;
  ConvolutionEpilogue epilogue_;
  const float *x_ = nullptr, *weight_ = nullptr;
  float *packed_ = nullptr, *workspace_ = nullptr, *y_ = nullptr;
};

}  // namespace

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

void mark_strips(Node* node) {
  node->attributes[kStripsMark] = true;
}

bool is_marked_strips(const Node& node) {
  return node.attributes.count(kStripsMark) > 0;
}

StepPlan prepare_conv2d_strips(const PrepareContext& context) {
  const Node& node = context.node;
  require_operands(node, 2, 1);
  const ConvolutionValues ids = convolution_values(node);
  const MapLayout x = checked_layout(node, context.graph.values[ids.x]);
  const MapLayout y = checked_layout(node, context.graph.values[ids.y]);
  const auto problem = strip_problem(convolution_problem(context.graph, node), x.block, y.block);
  require(problem.has_value(), node, "groups of whole vectors or of 4 channels");
  if (node.has_input(3)) require_per_channel(node, context.in(3), y);
  if (node.has_input(4)) require_same_storage(node, context.in(4), context.out(0));
  const bool constant_weight = context.constant_input[1];
  const Strips strips(*problem, omp_get_max_threads());
  StepPlan plan;
  plan.workspace_bytes = strips.workspace_bytes();
  (constant_weight ? plan.constant_bytes : plan.workspace_bytes) += strips.weight_bytes();
  plan.reuse = {{0, 4}};
  plan.implementation = "strips";
  plan.step =
      std::make_unique<StripStep>(strips, constant_weight, node.op == "conv2d_fused" && node.flag("relu"));
  return plan;
}

}  // namespace senet::cpu
