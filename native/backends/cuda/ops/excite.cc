// excite: the two fully connected layers and the gate of a squeeze-and-excitation block, on vectors; inputs q, w1,
// b1?, w2, b2?, outputs s, hidden?. excite_grad: inputs ds, q, hidden, s, w1, w2, outputs dq, dw1, db1?, dw2, db2?.
#include "backends/activation_of.h"
#include "backends/cuda/ops/step.h"

namespace senet::cuda {

namespace {

// From q [N,Q], w1 [R,Q] and s [N,C]. A wrong number of weights would be read out of bounds.
ExcitationSize checked_excitation(const Node& node, const Value& q, const Value& w1, const Value& s) {
  require(q.shape.size() == 2, node, "q [N,Q]");
  require(w1.shape.size() == 2, node, "w1 [R,Q]");
  require(s.shape.size() == 2, node, "s [N,C]");
  return {q.shape[0], s.shape[1], w1.shape[0], q.shape[1]};
}

}  // namespace

StepPlan prepare_excite(const Kit& kit, const PrepareContext& context) {
  const Node& node = context.node;
  require(node.has_input(0) && node.has_input(1) && node.has_input(3) && node.has_output(0), node,
          "q, w1, w2 and s");
  const ExcitationSize size = checked_excitation(node, context.in(0), context.in(1), context.out(0));
  const int64_t counts[] = {size.images * size.inputs, size.inputs * size.squeezed, size.squeezed,
                            size.channels * size.squeezed, size.channels};
  for (size_t i = 0; i < 5; ++i) require_input_floats(context, i, counts[i]);
  require_output_floats(context, 0, size.images * size.channels);
  require_output_floats(context, 1, size.images * size.squeezed);
  return launch_plan(
      "excite",
      [stream = kit.stream, size, kind = excitation_kind_of<ExcitationKind>(node)](const Operands& at) {
        excite_forward(size, kind, at.in(0), {at.in(1), at.in(2), at.in(3), at.in(4)}, at.out(1), at.out(0),
                       at.workspace(), stream->get());
      },
      excite_forward_workspace_bytes(size));
}

StepPlan prepare_excite_grad(const Kit& kit, const PrepareContext& context) {
  const Node& node = context.node;
  require_operands(node, 6, 1);
  const ExcitationSize size = checked_excitation(node, context.in(1), context.in(4), context.in(0));
  const int64_t gates = size.images * size.channels;
  const int64_t inputs[] = {gates, size.images * size.inputs,   size.images * size.squeezed,
                            gates, size.inputs * size.squeezed, size.channels * size.squeezed};
  const int64_t outputs[] = {size.images * size.inputs, size.inputs * size.squeezed, size.squeezed,
                             size.channels * size.squeezed, size.channels};
  for (size_t i = 0; i < 6; ++i) require_input_floats(context, i, inputs[i]);
  for (size_t i = 0; i < 5; ++i) require_output_floats(context, i, outputs[i]);
  return launch_plan(
      "excite",
      [stream = kit.stream, size, kind = excitation_kind_of<ExcitationKind>(node)](const Operands& at) {
        const ExcitationGradients gradients{at.out(1), at.out(2), at.out(3), at.out(4), at.out(0)};
        excite_backward(size, kind, at.in(0), at.in(1), at.in(2), at.in(3), at.in(4), at.in(5), gradients,
                        at.workspace(), stream->get());
      },
      excite_backward_workspace_bytes(size));
}

}  // namespace senet::cuda
