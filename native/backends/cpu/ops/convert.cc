// Copies a map from one storage layout to another.
#include <cstring>
#include <memory>

#include "backends/cpu/layout.h"
#include "backends/cpu/ops/check.h"
#include "backends/cpu/parallel.h"
#include "backends/cpu/table.h"

namespace senet::cpu {

namespace {

template <typename T>
class ConvertStep final : public Step {
 public:
  ConvertStep(const MapLayout& from, const MapLayout& to)
      : from_(from), to_(to), run_length_(std::min(from.block, to.block)) {}

  void bind(const Binding& binding) override {
    x_ = static_cast<const T*>(binding.inputs[0]);
    y_ = static_cast<T*>(binding.outputs[0]);
  }

  // The blocks of one layout divide those of the other, so channels move in runs of the smaller block.
  void run() override {
    const int64_t runs = from_.channels / run_length_;
    parallel_for(from_.images * from_.positions(), [&](int64_t begin, int64_t end) {
      for (int64_t unit = begin; unit < end; ++unit) {
        const int64_t n = unit / from_.positions();
        const int64_t p = unit % from_.positions();
        for (int64_t r = 0; r < runs; ++r) {
          std::memcpy(y_ + to_.offset(n, r * run_length_, p), x_ + from_.offset(n, r * run_length_, p),
                      static_cast<size_t>(run_length_) * sizeof(T));
        }
      }
    });
  }

 private:
  MapLayout from_, to_;
  int64_t run_length_;
  const T* x_ = nullptr;
  T* y_ = nullptr;
};

}  // namespace

StepPlan prepare_convert(const PrepareContext& context) {
  const Node& node = context.node;
  require_operands(node, 1, 1);
  const DType dtype = context.in(0).dtype;
  const MapLayout from = checked_layout(node, context.in(0), dtype);
  const MapLayout to = checked_layout(node, context.out(0), dtype);
  require(context.in(0).shape == context.out(0).shape, node, "equal shapes");
  require(from.block % to.block == 0 || to.block % from.block == 0, node, "blocks that divide one another");
  StepPlan plan;
  if (dtype == DType::kUint8) {
    plan.step = std::make_unique<ConvertStep<uint8_t>>(from, to);
  } else {
    plan.step = std::make_unique<ConvertStep<float>>(from, to);
  }
  plan.implementation = "copy";
  return plan;
}

}  // namespace senet::cpu
