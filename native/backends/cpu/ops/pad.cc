// pad: x with zeros around it; a negative number cuts rows or columns off instead.
#include <algorithm>

#include "backends/cpu/ops/pool_window.h"
#include "backends/cpu/table.h"

namespace senet::cpu {
namespace {

class PadStep final : public Step {
 public:
  PadStep(const MapLayout& x, const MapLayout& y, int64_t top, int64_t left)
      : x_map_(x), y_map_(y), top_(top), left_(left) {
    begin_ = std::clamp<int64_t>(left, 0, y.width);
    end_ = std::clamp<int64_t>(left + x.width, begin_, y.width);
  }

  void bind(const Binding& binding) override {
    x_ = static_cast<const float*>(binding.inputs[0]);
    y_ = static_cast<float*>(binding.outputs[0]);
  }

  void run() override {
    parallel_rows(y_map_, [this](int64_t plane, int64_t row) {
      const int64_t block = y_map_.block, from = row - top_;
      float* y = y_ + (plane * y_map_.height + row) * y_map_.width * block;
      float* y_end = y + y_map_.width * block;
      if (from < 0 || from >= x_map_.height || begin_ == end_) {
        std::fill(y, y_end, 0.0f);
        return;
      }
      const float* x = x_ + ((plane * x_map_.height + from) * x_map_.width + begin_ - left_) * block;
      std::fill(y, y + begin_ * block, 0.0f);
      std::copy_n(x, (end_ - begin_) * block, y + begin_ * block);
      std::fill(y + end_ * block, y_end, 0.0f);
    });
  }

 private:
  MapLayout x_map_, y_map_;
  int64_t top_, left_;
  int64_t begin_, end_;  // columns of y that x has, too
  const float* x_ = nullptr;
  float* y_ = nullptr;
};

}  // namespace

StepPlan prepare_pad(const PrepareContext& context) {
  const Node& node = context.node;
  require_operands(node, 1, 1);
  const MapLayout x = checked_layout(node, context.in(0));
  const MapLayout y = checked_layout(node, context.out(0));
  const auto padding = node.integers("padding");
  require(padding.size() == 4, node, "padding of four sides");
  for (int64_t p : padding) require(p >= -INT32_MAX && p <= INT32_MAX, node, "padding of 31 bits");
  require(x.images == y.images && x.channels == y.channels && x.block == y.block &&
              y.height == x.height + padding[0] + padding[1] && y.width == x.width + padding[2] + padding[3],
          node, "a map larger by the padding");
  StepPlan plan;
  plan.step = std::make_unique<PadStep>(x, y, padding[0], padding[2]);
  plan.implementation = "simd";
  return plan;
}

}  // namespace senet::cpu
