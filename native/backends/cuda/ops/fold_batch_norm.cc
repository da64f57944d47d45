// fold_batch_norm, per output channel k with factor = gamma / sqrt(running variance + eps): weight'_k = weight_k *
// factor; bias' = beta + (bias - running mean) * factor.
#include "backends/cuda/ops/step.h"

namespace senet::cuda {

StepPlan prepare_fold_batch_norm(const Kit& kit, const PrepareContext& context) {
  const Node& node = context.node;
  require_operands(node, 1, 2);
  const Value& weight = context.in(0);
  require_dtype(node, weight, DType::kFloat32);
  require(!weight.shape.empty() && weight.shape[0] >= 1, node, "a weight with output channels");
  require_same(node, weight, context.out(0));
  const int64_t outputs = weight.shape[0];
  require_input_floats(context, 1, outputs);
  for (size_t i = 2; i < 6; ++i) {
    require(node.has_input(i), node, "an input at position " + std::to_string(i));
    require_input_floats(context, i, outputs);
  }
  require_floats(node, context.out(1), outputs);
  return launch_plan("fold_batch_norm", [stream = kit.stream, eps = node.number("eps"), outputs,
                                         per_output = weight.elements() / outputs](const Operands& at) {
    const NormParameters norm{at.in(2), at.in(3), at.in(4), at.in(5)};
    fold_batch_norm(at.in(0), at.in(1), norm, eps, at.out(0), at.out(1), outputs, per_output, stream->get());
  });
}

}  // namespace senet::cuda
