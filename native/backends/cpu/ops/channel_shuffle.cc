// channel_shuffle: y[i * groups + j] = x[j * (C / groups) + i], channels seen as a matrix and transposed.
#include "backends/cpu/ops/cells.h"
#include "backends/cpu/table.h"

namespace senet::cpu {
namespace {

class ChannelShuffleStep final : public Step {
 public:
  ChannelShuffleStep(const MapLayout& map, int64_t groups) : map_(map), sources_(map.channels) {
    const int64_t per_group = map.channels / groups;
    for (int64_t c = 0; c < map.channels; ++c) {
      sources_[c] = map.offset(0, c % groups * per_group + c / groups, 0);
    }
  }

  void bind(const Binding& binding) override {
    x_ = static_cast<const float*>(binding.inputs[0]);
    y_ = static_cast<float*>(binding.outputs[0]);
  }

  void run() override {
    parallel_planes(map_, [this](int64_t n, int64_t channel_block, int64_t begin, int64_t end) {
      const int64_t block = map_.block;
      const float* x = x_ + n * map_.image_elements();
      const int64_t* sources = sources_.data() + channel_block * block;
      float* y = y_ + map_.offset(n, channel_block * block, 0);
      for (int64_t p = begin; p < end; ++p) {
        for (int64_t c = 0; c < block; ++c) y[p * block + c] = x[sources[c] + p * block];
      }
    });
  }

 private:
  MapLayout map_;
  std::vector<int64_t> sources_;  // [C]: where output channel c comes from, at image 0 and position 0
  const float* x_ = nullptr;
  float* y_ = nullptr;
};

}  // namespace

StepPlan prepare_channel_shuffle(const PrepareContext& context) {
  const Node& node = context.node;
  require_operands(node, 1, 1);
  const MapLayout map = checked_layout(node, context.in(0));
  require_same_storage(node, context.in(0), context.out(0));
  const int64_t groups = node.integer("groups");
  require(groups >= 1 && map.channels % groups == 0, node, "groups that divide the channels");
  StepPlan plan;
  plan.step = std::make_unique<ChannelShuffleStep>(map, groups);
  plan.implementation = "simd";
  return plan;
}

}  // namespace senet::cpu
