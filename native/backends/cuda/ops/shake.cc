// shake: y = s * a + (1 - s) * b; shake_grad: da = t * dy, db = (1 - t) * dy, with a number for each image from
// the streams `stream` and `gradientStream`, or t = 1/2; the CPU draws the same (kernels/shake.cu).
#include "backends/cuda/ops/step.h"

namespace senet::cuda {
namespace {

void require_key(const PrepareContext& context, size_t position) {
  require_dtype(context.node, context.in(position), DType::kInt32);
  require(context.in(position).elements() == 2, context.node, "a key of two words");
}

}  // namespace

StepPlan prepare_shake(const Kit& kit, const PrepareContext& context) {
  const Node& node = context.node;
  require_operands(node, 3, 1);
  for (size_t i = 0; i < 2; ++i) require_same(node, context.in(i), context.out(0));
  require_key(context, 2);
  const int64_t images = context.in(0).shape[0], size = context.in(0).elements() / images;
  StepPlan plan = typed_launch_plan("philox", storage_of(context.in(0)),
                                    [stream = kit.stream, id = static_cast<uint32_t>(node.integer("stream")),
                                     images, size](const Operands& at, auto tag) {
                                      using T = TypeOf<decltype(tag)>;
                                      shake_forward(at.in<T>(0), at.in<T>(1), at.in<int32_t>(2), id,
                                                    at.out<T>(0), images, size, stream->get());
                                    });
  plan.reuse = {{0, 0}, {0, 1}};
  return plan;
}

StepPlan prepare_shake_grad(const Kit& kit, const PrepareContext& context) {
  const Node& node = context.node;
  require_operands(node, 2, 2);
  for (size_t i = 0; i < 2; ++i) require_same(node, context.in(0), context.out(i));
  require_key(context, 1);
  const int64_t images = context.in(0).shape[0], size = context.in(0).elements() / images;
  const bool even = node.text("backward") == "even";
  StepPlan plan =
      typed_launch_plan("philox", storage_of(context.in(0)),
                        [stream = kit.stream, id = static_cast<uint32_t>(node.integer("gradientStream")),
                         images, size, even](const Operands& at, auto tag) {
                          using T = TypeOf<decltype(tag)>;
                          shake_backward(at.in<T>(0), even ? nullptr : at.in<int32_t>(1), id, at.out<T>(0),
                                         at.out<T>(1), images, size, stream->get());
                        });
  plan.reuse = {{0, 0}};
  return plan;
}

}  // namespace senet::cuda
