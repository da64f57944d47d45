// normalise_pixels: y [N,H,W,C] = table[256 c + pixel] of bytes, both channels-last.
#include <type_traits>

#include "backends/cpu/ops/check.h"
#include "backends/cpu/parallel.h"
#include "backends/cpu/table.h"

namespace senet::cpu {
namespace {

// channels: an integral constant where it is known.
template <typename Channels>
void look_up(const uint8_t* pixels, const float* table, int64_t count, Channels channels, float* y) {
  for (int64_t i = 0; i < count; ++i, pixels += channels, y += channels) {
    for (int64_t c = 0; c < channels; ++c) y[c] = table[256 * c + pixels[c]];
  }
}

class NormalisePixelsStep final : public Step {
 public:
  explicit NormalisePixelsStep(const MapLayout& map) : map_(map) {}

  void bind(const Binding& binding) override {
    pixels_ = static_cast<const uint8_t*>(binding.inputs[0]);
    table_ = static_cast<const float*>(binding.inputs[1]);
    y_ = static_cast<float*>(binding.outputs[0]);
  }

  void run() override {
    parallel_for(map_.images * map_.positions(), [this](int64_t begin, int64_t end) {
      const uint8_t* pixels = pixels_ + begin * map_.channels;
      float* y = y_ + begin * map_.channels;
      if (map_.channels == 3) {
        look_up(pixels, table_, end - begin, std::integral_constant<int64_t, 3>(), y);
      } else {
        look_up(pixels, table_, end - begin, map_.channels, y);
      }
    });
  }

 private:
  MapLayout map_;
  const uint8_t* pixels_ = nullptr;
  const float* table_ = nullptr;
  float* y_ = nullptr;
};

}  // namespace

StepPlan prepare_normalise_pixels(const PrepareContext& context) {
  const Node& node = context.node;
  require_operands(node, 2, 1);
  const MapLayout pixels = checked_layout(node, context.in(0), DType::kUint8);
  const MapLayout y = checked_layout(node, context.out(0));
  require(
      context.in(0).shape == context.out(0).shape && pixels.block == pixels.channels && y.block == y.channels,
      node, "maps of equal shape, channels-last");
  require_dtype(node, context.in(1), DType::kFloat32);
  require(context.in(1).elements() == 256 * y.channels, node, "256 numbers for each channel");
  StepPlan plan;
  plan.step = std::make_unique<NormalisePixelsStep>(y);
  plan.implementation = "table";
  return plan;
}

}  // namespace senet::cpu
