// Forward convolutions and gradients in the input by a kernel of ours that reads its weight in an order of its own: with
//
//   weight_bytes(), pack(weight, packed)      that order
//   workspace_bytes()
//   run(x, packed, epilogue, workspace, y)    where y may be the residual
//
// The first input is what the kernel calls x, whichever direction the node has.
#pragma once

#include <memory>
#include <utility>

#include "backends/backend.h"
#include "backends/cpu/kernels/convolution_epilogue.h"
#include "backends/cpu/ops/check.h"

namespace senet::cpu {

template <typename Kernel>
class PackedConvolutionStep final : public Step {
 public:
  PackedConvolutionStep(Kernel kernel, bool constant_weight, bool relu)
      : kernel_(std::move(kernel)), constant_weight_(constant_weight) {
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
    if (!constant_weight_) workspace_ += kernel_.weight_bytes() / sizeof(float);
  }

  void refresh() override { kernel_.pack(weight_, packed_); }

  void run() override {
    if (!constant_weight_) kernel_.pack(weight_, packed_);
    kernel_.run(x_, packed_, epilogue_, workspace_, y_);
  }

 private:
  Kernel kernel_;
  bool constant_weight_;
  ConvolutionEpilogue epilogue_;
  const float *x_ = nullptr, *weight_ = nullptr;
  float *packed_ = nullptr, *workspace_ = nullptr, *y_ = nullptr;
};

// Checks what rides on the convolution; y is the map that the kernel writes.
template <typename Kernel>
StepPlan plan_packed_convolution(const PrepareContext& context, Kernel kernel, const MapLayout& y) {
  const Node& node = context.node;
  if (node.has_input(3)) require_per_channel(node, context.in(3), y);
  if (node.has_input(4)) require_same_storage(node, context.in(4), context.out(0));
  const bool constant_weight = context.constant_input[1];
  StepPlan plan;
  plan.workspace_bytes = kernel.workspace_bytes();
  (constant_weight ? plan.constant_bytes : plan.workspace_bytes) += kernel.weight_bytes();
  plan.reuse = {{0, 4}};
  const bool relu = node.op == "conv2d_fused" && node.flag("relu");
  plan.step = std::make_unique<PackedConvolutionStep<Kernel>>(std::move(kernel), constant_weight, relu);
  return plan;
}

}  // namespace senet::cpu
