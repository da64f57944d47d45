// Forward convolutions and gradients in the input by a kernel of ours that reads its weight in an order of its own, and
// takes the means of what it writes along, y[n,k] over positions, where a second output wants them: with
//
//   weight_bytes(), pack(weight, packed)      that order
//   workspace_bytes()
//   run(x, packed, epilogue, workspace, y)    where y may be the residual
//
// The first input is what the kernel calls x, whichever direction the node has.
#pragma once

#include <algorithm>
#include <memory>
#include <utility>

#include "backends/backend.h"
#include "backends/cpu/kernels/convolution_epilogue.h"
#include "backends/cpu/kernels/small_stage.h"
#include "backends/cpu/ops/check.h"

namespace senet::cpu {

template <typename Kernel>
class PackedConvolutionStep final : public Step {
 public:
  PackedConvolutionStep(Kernel kernel, const MapLayout& y, bool constant_weight, bool relu)
      : kernel_(std::move(kernel)), layout_(y), constant_weight_(constant_weight) {
    epilogue_.relu = relu;
    epilogue_.thread_sums = y.images * y.channels;
  }

  size_t sums_bytes() const { return threads_ * epilogue_.thread_sums * sizeof(float); }

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
    means_ = b.outputs.size() > 1 ? static_cast<float*>(b.outputs[1]) : nullptr;
    if (means_ != nullptr) epilogue_.sums = workspace_ + kernel_.workspace_bytes() / sizeof(float);
  }

  void refresh() override { kernel_.pack(weight_, packed_); }

  void run() override {
    if (!constant_weight_) kernel_.pack(weight_, packed_);
    if (means_ == nullptr) return kernel_.run(x_, packed_, epilogue_, workspace_, y_);
    std::fill(epilogue_.sums, epilogue_.sums + threads_ * epilogue_.thread_sums, 0.0f);
    kernel_.run(x_, packed_, epilogue_, workspace_, y_);
    take_means();
  }

 private:
  void take_means() {
    const float scale = 1.0f / static_cast<float>(layout_.positions());
    small_stage(epilogue_.thread_sums, threads_, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        float sum = 0;
        for (int64_t thread = 0; thread < threads_; ++thread) {
          sum += epilogue_.sums[thread * epilogue_.thread_sums + i];
        }
        means_[i] = sum * scale;
      }
    });
  }

  Kernel kernel_;
  MapLayout layout_;  // of y
  int64_t threads_ = omp_get_max_threads();
  bool constant_weight_;
  ConvolutionEpilogue epilogue_;
  const float *x_ = nullptr, *weight_ = nullptr;
  float *packed_ = nullptr, *workspace_ = nullptr, *y_ = nullptr, *means_ = nullptr;
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
  if (constant_weight) plan.packs = {1};
  plan.reuse = {{0, 4}};
  const bool relu = node.op == "conv2d_fused" && node.flag("relu");
  auto step = std::make_unique<PackedConvolutionStep<Kernel>>(std::move(kernel), y, constant_weight, relu);
  if (node.has_output(1)) {
    require_per_channel(node, context.out(1), y);
    plan.workspace_bytes += step->sums_bytes();
  }
  plan.step = std::move(step);
  return plan;
}

}  // namespace senet::cpu
