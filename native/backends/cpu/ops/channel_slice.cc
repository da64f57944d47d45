// channel_slice: channels [start, end) of x. channel_slice_grad: dy at those channels, zeros at the others.
#include "backends/cpu/ops/channel_copy.h"
#include "backends/cpu/table.h"

namespace senet::cpu {
namespace {

class ChannelSliceStep final : public Step {
 public:
  ChannelSliceStep(const MapLayout& x, const MapLayout& y, int64_t start)
      : x_map_(x), y_map_(y), start_(start) {}

  void bind(const Binding& binding) override {
    x_ = static_cast<const float*>(binding.inputs[0]);
    y_ = static_cast<float*>(binding.outputs[0]);
  }

  void run() override {
    parallel_positions(y_map_, [this](int64_t n, int64_t begin, int64_t end) {
      copy_channels(x_map_, x_, start_, y_map_, y_, 0, y_map_.channels, n, begin, end);
    });
  }

 private:
  MapLayout x_map_, y_map_;
  int64_t start_;
  const float* x_ = nullptr;
  float* y_ = nullptr;
};

class ChannelSliceGradStep final : public Step {
 public:
  ChannelSliceGradStep(const MapLayout& x, const MapLayout& y, int64_t start)
      : x_map_(x), y_map_(y), start_(start) {}

  void bind(const Binding& binding) override {
    dy_ = static_cast<const float*>(binding.inputs[0]);
    dx_ = static_cast<float*>(binding.outputs[0]);
  }

  void run() override {
    parallel_positions(x_map_, [this](int64_t n, int64_t begin, int64_t end) {
      const int64_t stop = start_ + y_map_.channels;
      zero_channels(x_map_, dx_, 0, start_, n, begin, end);
      copy_channels(y_map_, dy_, 0, x_map_, dx_, start_, y_map_.channels, n, begin, end);
      zero_channels(x_map_, dx_, stop, x_map_.channels - stop, n, begin, end);
    });
  }

 private:
  MapLayout x_map_, y_map_;
  int64_t start_;
  const float* dy_ = nullptr;
  float* dx_ = nullptr;
};

// Where the slice y of x begins.
int64_t checked_start(const Node& node, const MapLayout& x, const MapLayout& y) {
  require_same_positions(node, x, y);
  const int64_t start = node.integer("start");
  require(start >= 0 && start <= x.channels - y.channels, node, "a slice inside the channels");
  return start;
}

}  // namespace

StepPlan prepare_channel_slice(const PrepareContext& context) {
  const Node& node = context.node;
  require_operands(node, 1, 1);
  const MapLayout x = checked_layout(node, context.in(0));
  const MapLayout y = checked_layout(node, context.out(0));
  const int64_t start = checked_start(node, x, y);
  StepPlan plan;
  plan.step = std::make_unique<ChannelSliceStep>(x, y, start);
  plan.implementation = "simd";
  return plan;
}

StepPlan prepare_channel_slice_grad(const PrepareContext& context) {
  const Node& node = context.node;
  require_operands(node, 1, 1);
  const MapLayout x = checked_layout(node, context.out(0));
  const MapLayout y = checked_layout(node, context.in(0));
  const int64_t start = checked_start(node, x, y);
  StepPlan plan;
  plan.step = std::make_unique<ChannelSliceGradStep>(x, y, start);
  plan.implementation = "simd";
  return plan;
}

}  // namespace senet::cpu
