// top_k_correct: how many samples have fewer than k classes whose logit is greater than the label's. The label is the
// class (i32 [N]) or the first greatest entry of the distribution (f32 [N,K]).
#include "backends/cuda/ops/labels.h"

namespace senet::cuda {

StepPlan prepare_top_k_correct(const Kit& kit, const PrepareContext& context) {
  require_operands(context.node, 2, 1);
  const LabelledRows rows = checked_labels(context);
  require_floats(context.node, context.out(0), 1);
  return launch_plan(
      "top_k_correct", [stream = kit.stream, rows, k = context.node.integer("k")](const Operands& at) {
        top_k_correct(at.in(0), labels_at(at, rows), k, at.out(0), rows.rows, rows.classes, stream->get());
      });
}

}  // namespace senet::cuda
