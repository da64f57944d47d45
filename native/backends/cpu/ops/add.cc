// add: y = a + b, all of one shape and storage order.
#include "backends/cpu/ops/elementwise.h"
#include "backends/cpu/table.h"

namespace senet::cpu {
namespace {

struct Sum {
  Vec operator()(Vec a, Vec b) const { return a + b; }
};

}  // namespace

StepPlan prepare_add(const PrepareContext& context) {
  return plan_elementwise<Sum, 2>(context);
}

}  // namespace senet::cpu
