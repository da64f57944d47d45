// concat: the maps or vectors x... side by side along the channels.
#include "backends/cpu/ops/channel_copy.h"
#include "backends/cpu/table.h"

namespace senet::cpu {
namespace {

class ConcatStep final : public Step {
 public:
  ConcatStep(std::vector<MapLayout> x, const MapLayout& y)
      : x_maps_(std::move(x)), y_map_(y), x_(x_maps_.size()) {}

  void bind(const Binding& binding) override {
    for (size_t i = 0; i < x_.size(); ++i) x_[i] = static_cast<const float*>(binding.inputs[i]);
    y_ = static_cast<float*>(binding.outputs[0]);
  }

  void run() override {
    parallel_positions(y_map_, [this](int64_t n, int64_t begin, int64_t end) {
      int64_t to = 0;
      for (size_t i = 0; i < x_.size(); ++i) {
        copy_channels(x_maps_[i], x_[i], 0, y_map_, y_, to, x_maps_[i].channels, n, begin, end);
        to += x_maps_[i].channels;
      }
    });
  }

 private:
  std::vector<MapLayout> x_maps_;
  MapLayout y_map_;
  std::vector<const float*> x_;
  float* y_ = nullptr;
};

}  // namespace

StepPlan prepare_concat(const PrepareContext& context) {
  const Node& node = context.node;
  require_operands(node, node.inputs.size(), 1);
  const MapLayout y = checked_layout(node, context.out(0));
  std::vector<MapLayout> x;
  int64_t channels = 0;
  for (size_t i = 0; i < node.inputs.size(); ++i) {
    x.push_back(checked_layout(node, context.in(i)));
    require_same_positions(node, x.back(), y);
    channels += x.back().channels;
  }
  require(channels == y.channels, node, "as many output channels as input channels");
  StepPlan plan;
  plan.step = std::make_unique<ConcatStep>(std::move(x), y);
  plan.implementation = "simd";
  return plan;
}

}  // namespace senet::cpu
