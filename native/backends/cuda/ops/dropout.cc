// dropout: y = x / (1 - rate) where u >= rate, else 0 * x. u of the element with NHWC index i is word i % 4 of
// Philox counter i / 4, times 2^-32; where images are dropped whole, i is the index of the image. The CPU
// drops the same.
#include "backends/cuda/ops/step.h"

namespace senet::cuda {

StepPlan prepare_dropout(const Kit& kit, const PrepareContext& context) {
  const Node& node = context.node;
  require_operands(node, 2, 1);
  require_same(node, context.in(0), context.out(0));
  require_dtype(node, context.in(1), DType::kInt32);
  require(context.in(1).elements() == 2, node, "a key of two words");
  const double rate = node.number("rate");
  require(rate >= 0 && rate < 1, node, "a rate from 0 to below 1");
  const int64_t count = context.in(0).elements();
  const int64_t size = node.flag("whole") ? count / context.in(0).shape[0] : 1;
  StepPlan plan = typed_launch_plan(
      "philox", storage_of(context.in(0)),
      [stream = kit.stream, rate, id = static_cast<uint32_t>(node.integer("stream")), count, size](
          const Operands& at, auto tag) {
        using T = TypeOf<decltype(tag)>;
        dropout(at.in<T>(0), at.in<int32_t>(1), rate, id, at.out<T>(0), count, size, stream->get());
      });
  plan.reuse = {{0, 0}};
  return plan;
}

}  // namespace senet::cuda
