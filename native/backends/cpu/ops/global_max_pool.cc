// global_max_pool: y[n,c] = the greatest x over positions, a NaN counting as greatest; index = its first
// position. The gradient gives dy to that position.
#include "backends/cpu/ops/cells.h"
#include "backends/cpu/table.h"

namespace senet::cpu {
namespace {

inline VecInt broadcast_int(int32_t i) {
  return VecInt{i, i, i, i, i, i, i, i};
}

inline VecInt load_ints(const int32_t* p, int64_t width) {
  VecInt v = {};
  std::memcpy(&v, p, static_cast<size_t>(std::min(width, kLanes)) * sizeof(int32_t));
  return v;
}

class GlobalMaxPoolStep final : public Step {
 public:
  explicit GlobalMaxPoolStep(const MapLayout& map) : map_(map) {}

  void bind(const Binding& binding) override {
    x_ = static_cast<const float*>(binding.inputs[0]);
    y_ = static_cast<float*>(binding.outputs[0]);
    index_ = binding.outputs.size() > 1 ? static_cast<int32_t*>(binding.outputs[1]) : nullptr;
  }

  // One unit is a group of neighbouring vectors of channels of one image, so that channels-last maps are read
  // in whole cache lines.
  void run() override {
    constexpr int64_t kGroupChannels = kGroup * kLanes;
    const int64_t groups = (map_.block + kGroupChannels - 1) / kGroupChannels;
    parallel_for(map_.images * map_.blocks() * groups, [&](int64_t begin, int64_t end) {
      for (int64_t unit = begin; unit < end; ++unit) {
        const int64_t plane = unit / groups;
        int64_t c = unit % groups * kGroupChannels;
        const int64_t stop = std::min(map_.block, c + kGroupChannels);
        if (stop - c == kGroupChannels) {
          reduce<kGroup>(plane, c, kLanes);
          continue;
        }
        for (; c + kLanes <= stop; c += kLanes) reduce<1>(plane, c, kLanes);
        if (c < stop) reduce<1>(plane, c, stop - c);
      }
    });
  }

 private:
  static constexpr int kGroup = 4;

  // kVectors vectors of channels from c on, the last `width` lanes wide.
  template <int kVectors>
  void reduce(int64_t plane, int64_t c, int64_t width) {
    const float* x = x_ + plane * map_.positions() * map_.block + c;
    Vec best[kVectors];
    VecInt where[kVectors] = {};
    for (int v = 0; v < kVectors; ++v) best[v] = load(x + v * kLanes, width);
    for (int64_t p = 1; p < map_.positions(); ++p) {
      const VecInt here = broadcast_int(static_cast<int32_t>(p));
      for (int v = 0; v < kVectors; ++v) {
        const Vec value = load(x + p * map_.block + v * kLanes, width);
        const VecInt better = (value > best[v]) | is_nan(value);
        best[v] = better ? value : best[v];
        where[v] = better ? here : where[v];
      }
    }
    for (int v = 0; v < kVectors; ++v) {
      const int64_t out = plane * map_.block + c + v * kLanes;
      store(y_ + out, best[v], width);
      if (index_) std::memcpy(index_ + out, &where[v], static_cast<size_t>(width) * sizeof(int32_t));
    }
  }

  MapLayout map_;
  const float* x_ = nullptr;
  float* y_ = nullptr;
  int32_t* index_ = nullptr;
};

class GlobalMaxPoolGradStep final : public Step {
 public:
  explicit GlobalMaxPoolGradStep(const MapLayout& map) : map_(map) {}

  void bind(const Binding& binding) override {
    dy_ = static_cast<const float*>(binding.inputs[0]);
    index_ = static_cast<const int32_t*>(binding.inputs[1]);
    dx_ = static_cast<float*>(binding.outputs[0]);
  }

  void run() override {
    parallel_planes(map_, [&](int64_t n, int64_t channel_block, int64_t begin, int64_t end) {
      const int64_t channel = n * map_.channels + channel_block * map_.block;
      float* plane = dx_ + map_.offset(n, channel_block * map_.block, 0);
      for (int64_t p = begin; p < end; ++p) {
        const VecInt here = broadcast_int(static_cast<int32_t>(p));
        for (int64_t c = 0; c < map_.block; c += kLanes) {
          const int64_t width = map_.block - c;
          const VecInt chosen = load_ints(index_ + channel + c, width) == here;
          store(plane + p * map_.block + c, chosen ? load(dy_ + channel + c, width) : Vec{}, width);
        }
      }
    });
  }

 private:
  MapLayout map_;
  const float* dy_ = nullptr;
  const int32_t* index_ = nullptr;
  float* dx_ = nullptr;
};

void require_index(const Node& node, const Value& index, const MapLayout& map) {
  require_dtype(node, index, DType::kInt32);
  require(index.shape == std::vector<int64_t>{map.images, map.channels}, node,
          "one index per image and channel");
  require(map.positions() <= INT32_MAX, node, "fewer positions");
}

}  // namespace

StepPlan prepare_global_max_pool(const PrepareContext& context) {
  const Node& node = context.node;
  require_operands(node, 1, 1);
  const MapLayout map = checked_layout(node, context.in(0));
  require_per_channel(node, context.out(0), map);
  if (node.has_output(1)) require_index(node, context.out(1), map);
  StepPlan plan;
  plan.step = std::make_unique<GlobalMaxPoolStep>(map);
  plan.implementation = "simd";
  return plan;
}

StepPlan prepare_global_max_pool_grad(const PrepareContext& context) {
  const Node& node = context.node;
  require_operands(node, 2, 1);
  const MapLayout map = checked_layout(node, context.out(0));
  require_per_channel(node, context.in(0), map);
  require_index(node, context.in(1), map);
  StepPlan plan;
  plan.step = std::make_unique<GlobalMaxPoolGradStep>(map);
  plan.implementation = "simd";
  return plan;
}

}  // namespace senet::cpu
