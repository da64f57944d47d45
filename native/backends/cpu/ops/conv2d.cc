// conv2d, and conv2d_fused = act(gate * (conv + bias) + residual), by oneDNN.
//
// Bias, activation and a residual without gate ride on the convolution itself, which adds to what y holds: the residual
// where y has taken over its memory, else a copy of it. Gate and residual are applied by one pass of our own over
// a share of the images, while the convolution's output of that share is still in cache: that takes less time than
// oneDNN's chains of post-operations with a gate per image.
#include <algorithm>
#include <memory>

#include "backends/cpu/convolution.h"
#include "backends/cpu/fuse_activations.h"
#include "backends/cpu/layout.h"
#include "backends/cpu/ops/check.h"
#include "backends/cpu/ops/conv2d_gated.h"
#include "backends/cpu/ops/conv2d_grouped.h"
#include "backends/cpu/ops/conv2d_strips.h"
#include "backends/cpu/ops/conv2d_winograd.h"
#include "backends/cpu/parallel.h"
#include "backends/cpu/table.h"

namespace senet::cpu {

namespace {

// Output of a share that a following pass still finds in the last-level cache.
constexpr int64_t kShareBytes = int64_t{6} << 20;

// y = act(gate * y + residual) for one image; gate [C] or null, residual like y or null.
template <bool kGate, bool kResidual, bool kRelu>
void finish_image(const MapLayout& layout, const float* gate, const float* residual, float* y) {
  const int64_t positions = layout.positions();
  const int64_t block = layout.block;
  parallel_for(layout.blocks() * positions, [&](int64_t begin, int64_t end) {
    for (int64_t unit = begin; unit < end; ++unit) {
      const float* unit_gate = kGate ? gate + unit / positions * block : nullptr;
      const float* unit_residual = kResidual ? residual + unit * block : nullptr;
      float* unit_y = y + unit * block;
#pragma omp simd
      for (int64_t c = 0; c < block; ++c) {
        float value = unit_y[c];
        if constexpr (kGate) value *= unit_gate[c];
        if constexpr (kResidual) value += unit_residual[c];
        // Written so that a NaN stays one.
        if constexpr (kRelu) value = value < 0.0f ? 0.0f : value;
        unit_y[c] = value;
      }
    }
  });
}

using Finish = void (*)(const MapLayout&, const float*, const float*, float*);

Finish choose_finish(bool gate, bool residual, bool relu) {
  if (gate && residual) return relu ? finish_image<true, true, true> : finish_image<true, true, false>;
  if (gate) return relu ? finish_image<true, false, true> : finish_image<true, false, false>;
  if (residual) return relu ? finish_image<false, true, true> : finish_image<false, true, false>;
  return nullptr;
}

// The largest share of the batch whose output fits kShareBytes; divides the batch.
int64_t share_of(const MapLayout& y) {
  const int64_t most = std::max<int64_t>(1, kShareBytes / (y.image_elements() * 4));
  int64_t share = std::min(most, y.images);
  while (y.images % share != 0) --share;
  return share;
}

class Conv2dStep final : public Step {
 public:
  Conv2dStep(Convolution convolution, bool constant_weight, bool adds, const MapLayout& layout, int64_t share,
             Finish finish)
      : convolution_(std::move(convolution)),
        constant_weight_(constant_weight),
        adds_(adds),
        layout_(layout),
        share_(share),
        finish_(finish) {}

  void bind(const Binding& b) override {
    const auto input = [&](size_t i) { return i < b.inputs.size() ? b.inputs[i] : nullptr; };
    y_ = static_cast<float*>(b.outputs[0]);
    gate_ = static_cast<const float*>(input(3));
    residual_ = static_cast<const float*>(input(4));
    convolution_.bind({input(0), input(1), input(2), y_}, b.workspace, b.constants);
  }

  void refresh() override { convolution_.pack_weight(); }

  void run() override {
    if (!constant_weight_) convolution_.pack_weight();
    if (adds_) place_residual(residual_, y_, layout_.elements());
    for (int64_t start = 0; start < layout_.images; start += share_) {
      convolution_.run(start / share_);
      if (finish_ != nullptr) finish_share(start);
    }
  }

 private:
  void finish_share(int64_t start) const {
    for (int64_t n = start; n < start + share_; ++n) {
      const int64_t offset = n * layout_.image_elements();
      finish_(layout_, gate_ == nullptr ? nullptr : gate_ + n * layout_.channels,
              residual_ == nullptr ? nullptr : residual_ + offset, y_ + offset);
    }
  }

  Convolution convolution_;
  bool constant_weight_, adds_;
  MapLayout layout_;
  int64_t share_;
  Finish finish_;
  float* y_ = nullptr;
  const float *gate_ = nullptr, *residual_ = nullptr;
};

}  // namespace

StepPlan prepare_conv2d(const PrepareContext& context) {
  const Node& node = context.node;
  const ConvolutionAlgorithm algorithm = algorithm_of(node);
  if (algorithm == ConvolutionAlgorithm::kWinograd) return prepare_conv2d_winograd(context);
  if (algorithm == ConvolutionAlgorithm::kStrips) return prepare_conv2d_strips(context);
  if (is_grouped_products(context.graph, node)) return prepare_conv2d_grouped(context);
  require_operands(node, 2, 1);
  if (gates_weight(context)) return prepare_conv2d_gated(context);
  ConvolutionProblem problem = convolution_problem(context.graph, node);
  const bool fused = node.op == "conv2d_fused";
  const bool gate = fused && node.has_input(3);
  const bool residual = fused && node.has_input(4);
  const MapLayout x = checked_layout(node, context.in(0)), y = checked_layout(node, context.out(0));
  if (gate) require_per_channel(node, context.in(3), y);
  if (residual) require_same_storage(node, context.in(4), context.out(0));

  ConvolutionProblem whole = problem;
  whole.adds = residual;
  whole.activation = fused_activation(node);
  Finish finish = nullptr;
  if (gate || (residual && !fuses(node.layer, problem, whole, x.block, y.block))) {
    finish = choose_finish(gate, residual, whole.activation.has_value());
    problem.images = share_of(y);
  } else {
    problem = whole;
  }
  const bool constant_weight = context.constant_input[1];
  Convolution convolution(node.layer, problem, x.block, y.block, constant_weight);

  StepPlan plan;
  plan.workspace_bytes = convolution.workspace_bytes();
  plan.constant_bytes = convolution.constant_bytes();
  if (plan.constant_bytes > 0) plan.packs = {1};
  plan.implementation = convolution.implementation();
  if (problem.adds) plan.reuse = {{0, 4}};
  plan.step = std::make_unique<Conv2dStep>(std::move(convolution), constant_weight, problem.adds, y,
                                           problem.images, finish);
  return plan;
}

}  // namespace senet::cpu
