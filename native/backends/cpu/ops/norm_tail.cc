// norm_tail: y = relu?( gate * batch_norm(x) + identity ), the tail of a residual block in two passes over
// memory. The algebra is in kernels/norm_tail.h.
#include "backends/cpu/kernels/norm_tail.h"
#include "backends/activation_of.h"
#include "backends/cpu/ops/norm_check.h"
#include "backends/cpu/table.h"
#include "backends/norm_tail_operands.h"

namespace senet::cpu {
namespace {

using namespace norm_tail_operands;

class NormTail final : public Step {
 public:
  explicit NormTail(const TailKind& kind) : tail_(kind) {}

  size_t workspace_bytes() { return tail_.workspace_bytes(); }

  void bind(const Binding& binding) override {
    const BoundFloats in(binding);
    NormTailForward::Operands o;
    o.x = in.input(kX);
    o.norm = {in.input(kGamma), in.input(kBeta), in.input(kRunningMean), in.input(kRunningVariance)};
    o.identity = in.input(kIdentity);
    o.norm2 = {in.input(kGamma2), in.input(kBeta2), in.input(kRunningMean2), in.input(kRunningVariance2)};
    o.weights = {in.input(kW1), in.input(kB1), in.input(kW2), in.input(kB2)};
    o.y = in.output(kY);
    o.mean = in.output(kMean);
    o.variance = in.output(kVariance);
    o.mean2 = in.output(kMean2);
    o.variance2 = in.output(kVariance2);
    o.sample_mean = in.output(kSampleMean);
    o.hidden = in.output(kHidden);
    o.gate = in.output(kGate);
    o.mask = in.output_bytes(kMask);
    tail_.bind(o, binding.workspace);
  }

  void run() override { tail_.run(); }

 private:
  NormTailForward tail_;
};

TailKind kind_of(const PrepareContext& context) {
  const Node& node = context.node;
  TailKind kind;
  kind.map = checked_layout(node, context.in(kX));
  if (node.has_input(kIdentity)) {
    kind.shortcut = node.has_input(kGamma2) ? Shortcut::kProjected : Shortcut::kPlain;
  }
  kind.relu = node.flag("relu");
  kind.training = node.flag("training");
  kind.eps = node.number("eps");
  if (kind.shortcut == Shortcut::kProjected) kind.eps2 = node.number("eps2");
  if (node.has_input(kW1)) {
    require(context.in(kW1).shape.size() == 2, node, "w1 [R,C]");
    kind.squeezed = context.in(kW1).shape[0];
    kind.gates = excitation_kind_of<ExcitationKind>(node);
  }
  return kind;
}

void check(const PrepareContext& context, const TailKind& kind) {
  const NormCheck check(context);
  const int64_t channels = kind.map.channels, gates = kind.map.images * channels;
  check.inputs({kGamma, kBeta, kRunningMean, kRunningVariance}, channels);
  check.outputs({kMean, kVariance, kMean2, kVariance2}, channels);
  if (kind.shortcut == Shortcut::kProjected) {
    check.inputs({kGamma2, kBeta2, kRunningMean2, kRunningVariance2}, channels);
  }
  check.same_storage(context.in(kX), context.out(kY));
  if (kind.shortcut != Shortcut::kNone) check.same_storage(context.in(kX), context.in(kIdentity));
  if (kind.excites()) {
    check.inputs({kW1, kW2}, channels * kind.squeezed);
    check.optional_input(kB1, kind.squeezed);
    check.optional_input(kB2, channels);
  }
  check.outputs({kSampleMean, kGate}, gates);
  check.outputs({kHidden}, kind.map.images * kind.squeezed);
  if (context.node.has_output(kMask)) check.mask(context.out(kMask), kind.map.elements());
}

}  // namespace

StepPlan prepare_norm_tail(const PrepareContext& context) {
  require_operands(context.node, kRunningVariance + 1, 1);
  const TailKind kind = kind_of(context);
  check(context, kind);
  auto step = std::make_unique<NormTail>(kind);
  StepPlan plan;
  plan.workspace_bytes = step->workspace_bytes();
  plan.step = std::move(step);
  plan.reuse = {{kY, kX}};
  // Statistics of both norms, or the squeeze, take a pass ahead.
  if (kind.training) plan.extra_bytes = context.input_bytes({kX});
  if (kind.training && kind.shortcut == Shortcut::kProjected)
    plan.extra_bytes += context.input_bytes({kIdentity});
  if (!kind.training && kind.excites()) plan.extra_bytes = context.input_bytes({kX});
  if (kind.shortcut != Shortcut::kNone) plan.reuse.push_back({kY, kIdentity});
  plan.implementation = "norm_tail:" + layout_name(kind.map);
  return plan;
}

}  // namespace senet::cpu
