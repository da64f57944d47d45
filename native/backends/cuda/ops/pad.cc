// pad: x with zeros around it; a negative number cuts rows or columns off instead.
#include "backends/cuda/ops/step.h"

namespace senet::cuda {

namespace {

PadSize checked_pad(const Node& node, const Value& x, const Value& y) {
  checked_size(node, x);
  checked_size(node, y);
  require(x.is_map() && y.is_map() && x.dtype == y.dtype, node, "maps of one type");
  const auto padding = node.integers("padding");
  require(padding.size() == 4, node, "padding of four sides");
  for (int64_t p : padding) require(p >= -INT32_MAX && p <= INT32_MAX, node, "padding of 31 bits");
  require(x.shape[0] == y.shape[0] && x.shape[3] == y.shape[3] &&
              y.shape[1] == x.shape[1] + padding[0] + padding[1] &&
              y.shape[2] == x.shape[2] + padding[2] + padding[3],
          node, "a map larger by the padding");
  return {x.shape[0], x.shape[3], {x.shape[1], y.shape[1], padding[0]}, {x.shape[2], y.shape[2], padding[2]}};
}

}  // namespace

StepPlan prepare_pad(const Kit& kit, const PrepareContext& context) {
  require_operands(context.node, 1, 1);
  const PadSize size = checked_pad(context.node, context.in(0), context.out(0));
  return typed_launch_plan("pad", storage_of(context.in(0)),
                           [stream = kit.stream, size](const Operands& at, auto tag) {
                             using T = TypeOf<decltype(tag)>;
                             pad(at.in<T>(0), at.out<T>(0), size, stream->get());
                           });
}

}  // namespace senet::cuda
