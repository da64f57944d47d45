// excite: the two fully connected layers and the gate of a squeeze-and-excitation block, on vectors
// (kernels/excitation.h).
#include "backends/cpu/kernels/excitation.h"

#include <algorithm>

#include "backends/activation_of.h"
#include "backends/cpu/kernels/workspace.h"
#include "backends/cpu/ops/norm_check.h"
#include "backends/cpu/table.h"

namespace senet::cpu {
namespace {

// From q [N,Q], w1 [R,Q] and s [N,C]. A wrong number of weights would be read out of bounds.
ExcitationSize size_of(const PrepareContext& context, const Value& q, const Value& w1, const Value& s) {
  require(q.shape.size() == 2, context.node, "q [N,Q]");
  require(w1.shape.size() == 2, context.node, "w1 [R,Q]");
  require(s.shape.size() == 2, context.node, "s [N,C]");
  return {q.shape[0], s.shape[1], w1.shape[0], q.shape[1]};
}

// Inputs q, w1, b1?, w2, b2?; outputs s, hidden?.
class Excite final : public Step {
 public:
  Excite(const ExcitationSize& size, const ExcitationKind& kind) : size_(size), kind_(kind) {}

  void bind(const Binding& binding) override {
    const BoundFloats at(binding);
    q_ = at.input(0);
    weights_ = {at.input(1), at.input(2), at.input(3), at.input(4)};
    s_ = at.output(0);
    hidden_ = at.output(1);
    h_ = Workspace(binding.workspace).floats(size_.images * size_.squeezed);
  }

  void run() override { excitation_forward(size_, kind_, q_, weights_, hidden_, h_, s_); }

 private:
  ExcitationSize size_;
  ExcitationKind kind_;
  const float* q_ = nullptr;
  ExcitationWeights weights_;
  float* hidden_ = nullptr;
  float* h_ = nullptr;
  float* s_ = nullptr;
};

// Inputs ds, q, hidden, s, w1, w2; outputs dq, dw1, db1?, dw2, db2?.
class ExciteGrad final : public Step {
 public:
  ExciteGrad(const ExcitationSize& size, const ExcitationKind& kind) : size_(size), kind_(kind) {
    lay_out(nullptr);
  }

  size_t workspace_bytes() { return lay_out(nullptr); }

  void bind(const Binding& binding) override {
    const BoundFloats at(binding);
    ds_ = at.input(0);
    q_ = at.input(1);
    hidden_ = at.input(2);
    s_ = at.input(3);
    w1_ = at.input(4);
    w2_ = at.input(5);
    gradients_ = {at.output(1), at.output(2), at.output(3), at.output(4), at.output(0)};
    lay_out(binding.workspace);
  }

  void run() override {
    std::copy(ds_, ds_ + size_.images * size_.channels, du_);
    excitation_backward(size_, kind_, du_, q_, hidden_, s_, w1_, w2_, h_, dv_, gradients_);
  }

 private:
  size_t lay_out(void* base) {
    Workspace workspace(base);
    du_ = workspace.floats(size_.images * size_.channels);
    h_ = workspace.floats(size_.images * size_.squeezed);
    dv_ = workspace.floats(size_.images * size_.squeezed);
    return workspace.bytes();
  }

  ExcitationSize size_;
  ExcitationKind kind_;
  const float *ds_ = nullptr, *q_ = nullptr, *hidden_ = nullptr, *s_ = nullptr, *w1_ = nullptr,
              *w2_ = nullptr;
  float *du_ = nullptr, *h_ = nullptr, *dv_ = nullptr;
  ExcitationGradients gradients_;
};

}  // namespace

StepPlan prepare_excite(const PrepareContext& context) {
  const Node& node = context.node;
  require(node.has_input(0) && node.has_input(1) && node.has_output(0), node, "q, w1 and s");
  const ExcitationSize size = size_of(context, context.in(0), context.in(1), context.out(0));
  const NormCheck check(context);
  check.inputs({1}, size.inputs * size.squeezed);
  check.inputs({3}, size.channels * size.squeezed);
  check.optional_input(2, size.squeezed);
  check.optional_input(4, size.channels);
  check.outputs({0}, size.images * size.channels);
  check.outputs({1}, size.images * size.squeezed);
  StepPlan plan;
  plan.step = std::make_unique<Excite>(size, excitation_kind_of<ExcitationKind>(node));
  Workspace workspace(nullptr);
  workspace.floats(size.images * size.squeezed);
  plan.workspace_bytes = workspace.bytes();
  plan.implementation = "sgemm";
  return plan;
}

StepPlan prepare_excite_grad(const PrepareContext& context) {
  require_operands(context.node, 6, 1);
  const ExcitationSize size = size_of(context, context.in(1), context.in(4), context.in(0));
  const NormCheck check(context);
  check.inputs({0, 3}, size.images * size.channels);
  check.inputs({2}, size.images * size.squeezed);
  check.inputs({4}, size.inputs * size.squeezed);
  check.inputs({5}, size.channels * size.squeezed);
  check.outputs({0}, size.images * size.inputs);
  check.outputs({1}, size.inputs * size.squeezed);
  check.outputs({3}, size.channels * size.squeezed);
  check.outputs({2}, size.squeezed);
  check.outputs({4}, size.channels);
  auto step = std::make_unique<ExciteGrad>(size, excitation_kind_of<ExcitationKind>(context.node));
  StepPlan plan;
  plan.workspace_bytes = step->workspace_bytes();
  plan.step = std::move(step);
  plan.implementation = "sgemm";
  return plan;
}

}  // namespace senet::cpu
