// norm_activation: y = gate * act(batch_norm(x)). The algebra is in kernels/norm_activation.h.
#include "backends/cpu/kernels/norm_activation.h"
#include "backends/activation_of.h"
#include "backends/cpu/ops/norm_check.h"
#include "backends/cpu/table.h"
#include "backends/norm_activation_operands.h"

namespace senet::cpu {
namespace {

using namespace norm_activation_operands;

class NormActivation final : public Step {
 public:
  explicit NormActivation(const NormActivationKind& kind) : passes_(kind) {}

  size_t workspace_bytes() { return passes_.workspace_bytes(); }

  void bind(const Binding& binding) override {
    const BoundFloats at(binding);
    NormActivationForward::Operands o;
    o.x = at.input(kX);
    o.norm = {at.input(kGamma), at.input(kBeta), at.input(kRunningMean), at.input(kRunningVariance)};
    o.weights = {at.input(kW1), at.input(kB1), at.input(kW2), at.input(kB2)};
    o.y = at.output(kY);
    o.mean = at.output(kMean);
    o.variance = at.output(kVariance);
    o.squeeze = at.output(kSqueeze);
    o.hidden = at.output(kHidden);
    o.gate = at.output(kGate);
    o.slopes = at.output(kSlopes);
    o.slopes_x = at.output(kSlopesX);
    passes_.bind(o, binding.workspace);
  }

  void run() override { passes_.run(); }

 private:
  NormActivationForward passes_;
};

NormActivationKind kind_of(const PrepareContext& context) {
  const Node& node = context.node;
  NormActivationKind kind;
  kind.map = checked_layout(node, context.in(kX));
  kind.activation = activation_of<Activation>(node, "activation");
  kind.training = node.flag("training");
  kind.eps = node.number("eps");
  if (node.has_input(kW1)) {
    require(context.in(kW1).shape.size() == 2, node, "w1 [R,C]");
    kind.squeezed = context.in(kW1).shape[0];
    kind.gates = excitation_kind_of<ExcitationKind>(node);
  }
  return kind;
}

void check(const PrepareContext& context, const NormActivationKind& kind) {
  const NormCheck check(context);
  const int64_t channels = kind.map.channels;
  check.inputs({kGamma, kBeta, kRunningMean, kRunningVariance}, channels);
  check.outputs({kMean, kVariance}, channels);
  check.same_storage(context.in(kX), context.out(kY));
  if (kind.excites()) {
    check.inputs({kW1, kW2}, channels * kind.squeezed);
    check.optional_input(kB1, kind.squeezed);
    check.optional_input(kB2, channels);
  }
  check.outputs({kSqueeze, kGate, kSlopes, kSlopesX}, kind.gate_count());
  check.outputs({kHidden}, kind.hidden_count());
  require(context.node.has_output(kSlopes) == context.node.has_output(kSlopesX), context.node,
          "both sums of slopes");
}

}  // namespace

StepPlan prepare_norm_activation(const PrepareContext& context) {
  require_operands(context.node, kRunningVariance + 1, 1);
  const NormActivationKind kind = kind_of(context);
  check(context, kind);
  auto step = std::make_unique<NormActivation>(kind);
  StepPlan plan;
  plan.workspace_bytes = step->workspace_bytes();
  plan.step = std::move(step);
  plan.reuse = {{kY, kX}};
  // The statistics and the squeeze take a pass each.
  if (kind.training) plan.extra_bytes += context.input_bytes({kX});
  if (kind.excites()) plan.extra_bytes += context.input_bytes({kX});
  plan.implementation = "norm_activation:" + layout_name(kind.map);
  return plan;
}

}  // namespace senet::cpu
