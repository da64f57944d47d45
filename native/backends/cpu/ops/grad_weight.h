// Gradients of a convolution in its weight by a kernel of ours, which has
//
//   workspace_bytes()
//   run(x, dy, workspace, dweight)
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "backends/backend.h"

namespace senet::cpu {

template <typename Kernel>
class GradWeightStep final : public Step {
 public:
  explicit GradWeightStep(Kernel kernel) : kernel_(std::move(kernel)) {}

  void bind(const Binding& b) override {
    x_ = static_cast<const float*>(b.inputs[0]);
    dy_ = static_cast<const float*>(b.inputs[1]);
    dweight_ = static_cast<float*>(b.outputs[0]);
    workspace_ = static_cast<float*>(b.workspace);
  }

  void run() override { kernel_.run(x_, dy_, workspace_, dweight_); }

 private:
  Kernel kernel_;
  const float *x_ = nullptr, *dy_ = nullptr;
  float *workspace_ = nullptr, *dweight_ = nullptr;
};

template <typename Kernel>
StepPlan plan_grad_weight(Kernel kernel, const std::string& implementation) {
  StepPlan plan;
  plan.workspace_bytes = kernel.workspace_bytes();
  plan.implementation = implementation;
  plan.step = std::make_unique<GradWeightStep<Kernel>>(std::move(kernel));
  return plan;
}

}  // namespace senet::cpu
