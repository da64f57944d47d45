// flatten: a map as a vector in the order C, H, W, PyTorch's, whatever the storage order of the map.
// unflatten: back.
#include "backends/cpu/ops/check.h"
#include "backends/cpu/ops/elementwise.h"
#include "backends/cpu/table.h"

namespace senet::cpu {
namespace {

// Calls body(x, y, width) for each image and group of up to 8 channels that lie side by side, over all cores:
// x is where the group begins in the map, y where it begins in the flat form.
template <typename Body>
void for_each_channel_group(const MapLayout& map, const Body& body) {
  const int64_t groups = (map.block + kLanes - 1) / kLanes;
  const int64_t units = map.images * map.blocks() * groups;
  const int64_t grain = std::max<int64_t>(1, kGrain / (map.positions() * std::min(map.block, kLanes)));
  parallel_for((units + grain - 1) / grain, [&](int64_t begin, int64_t end) {
    for (int64_t unit = begin * grain; unit < std::min(units, end * grain); ++unit) {
      const int64_t plane = unit / groups * map.positions() * map.block;
      const int64_t c = unit % groups * kLanes;
      body(plane + c, plane + c * map.positions(), std::min(kLanes, map.block - c));
    }
  });
}

class FlattenStep final : public Step {
 public:
  explicit FlattenStep(const MapLayout& map) : map_(map) {}

  void bind(const Binding& binding) override {
    x_ = static_cast<const float*>(binding.inputs[0]);
    y_ = static_cast<float*>(binding.outputs[0]);
  }

  void run() override {
    if (x_ == y_) return;
    for_each_channel_group(map_, [this](int64_t x, int64_t y, int64_t width) {
      const int64_t positions = map_.positions();
      for (int64_t p = 0; p < positions; ++p) {
        for (int64_t c = 0; c < width; ++c) y_[y + c * positions + p] = x_[x + p * map_.block + c];
      }
    });
  }

 private:
  MapLayout map_;
  const float* x_ = nullptr;
  float* y_ = nullptr;
};

class UnflattenStep final : public Step {
 public:
  explicit UnflattenStep(const MapLayout& map) : map_(map) {}

  void bind(const Binding& binding) override {
    dy_ = static_cast<const float*>(binding.inputs[0]);
    dx_ = static_cast<float*>(binding.outputs[0]);
  }

  void run() override {
    if (dy_ == dx_) return;
    for_each_channel_group(map_, [this](int64_t x, int64_t y, int64_t width) {
      const int64_t positions = map_.positions();
      for (int64_t p = 0; p < positions; ++p) {
        for (int64_t c = 0; c < width; ++c) dx_[x + p * map_.block + c] = dy_[y + c * positions + p];
      }
    });
  }

 private:
  MapLayout map_;
  const float* dy_ = nullptr;
  float* dx_ = nullptr;
};

// The layout of the map whose flat form is `flat`.
MapLayout checked_map(const Node& node, const Value& map, const Value& flat) {
  const MapLayout layout = checked_layout(node, map);
  require_dtype(node, flat, DType::kFloat32);
  require(flat.shape == std::vector<int64_t>{layout.images, layout.image_elements()}, node,
          "a vector as long as the map");
  return layout;
}

// With one position or one channel both orders are the same and the step is a copy or nothing.
std::vector<std::pair<int, int>> flat_reuse(const MapLayout& map) {
  if (map.positions() == 1 || map.channels == 1) return {{0, 0}};
  return {};
}

}  // namespace

StepPlan prepare_flatten(const PrepareContext& context) {
  require_operands(context.node, 1, 1);
  const MapLayout map = checked_map(context.node, context.in(0), context.out(0));
  StepPlan plan;
  plan.step = std::make_unique<FlattenStep>(map);
  plan.reuse = flat_reuse(map);
  plan.implementation = "simd";
  return plan;
}

StepPlan prepare_unflatten(const PrepareContext& context) {
  require_operands(context.node, 1, 1);
  const MapLayout map = checked_map(context.node, context.out(0), context.in(0));
  StepPlan plan;
  plan.step = std::make_unique<UnflattenStep>(map);
  plan.reuse = flat_reuse(map);
  plan.implementation = "simd";
  return plan;
}

}  // namespace senet::cpu
