// dropout: y = x / (1 - rate) where u >= rate, else 0 * x. u of the element with NHWC index i is word i % 4
// of Philox counter i / 4, times 2^-32, so the result does not depend on the storage order of x. Where images
// are dropped whole, i is the index of the image.
#include <cmath>

#include "backends/cpu/ops/cells.h"
#include "backends/cpu/ops/philox.h"
#include "backends/cpu/ops/vector_math.h"
#include "backends/cpu/table.h"

namespace senet::cpu {
namespace {

// Elements per call of philox.
constexpr int64_t kWords = int64_t{4} * kPhiloxCounters;

class DropoutStep final : public Step {
 public:
  DropoutStep(const MapLayout& map, double rate, uint32_t stream, bool whole)
      : map_(map), scale_(static_cast<float>(1.0 / (1.0 - rate))), stream_(stream), whole_(whole) {
    // u < rate for words below this count.
    const auto dropped = static_cast<uint64_t>(std::ceil(rate * 4294967296.0));
    last_dropped_ = static_cast<uint32_t>(std::max<uint64_t>(dropped, 1) - 1);
    dropped_scale_ = dropped == 0 ? scale_ : 0.0f;
  }

  void bind(const Binding& binding) override {
    x_ = static_cast<const float*>(binding.inputs[0]);
    key_ = static_cast<const int32_t*>(binding.inputs[1]);
    y_ = static_cast<float*>(binding.outputs[0]);
  }

  void run() override {
    if (whole_) {
      run_images();
    } else if (map_.block == map_.channels) {
      run_plain();
    } else {
      run_blocked();
    }
  }

 private:
  void run_plain() {
    constexpr int64_t kPart = kGrain / kWords * kWords;
    const int64_t count = map_.elements();
    parallel_for((count + kPart - 1) / kPart, [&](int64_t first, int64_t last) {
      const int64_t end = std::min(count, last * kPart);
      for (int64_t i = first * kPart; i < end; i += kWords) {
        uint64_t counters[kPhiloxCounters];
        for (int j = 0; j < kPhiloxCounters; ++j) counters[j] = static_cast<uint64_t>(i / 4 + j);
        drop(counters, i, std::min(kWords, end - i));
      }
    });
  }

  // A cell's channels are block / 4 counters; kWords / block cells fill one call.
  void run_blocked() {
    const int64_t block = map_.block;
    parallel_planes(map_, [this, block](int64_t n, int64_t channel_block, int64_t begin, int64_t end) {
      const int64_t plane = map_.offset(n, channel_block * block, 0);
      for (int64_t p = begin; p < end; p += kWords / block) {
        uint64_t counters[kPhiloxCounters];
        for (int j = 0; j < kPhiloxCounters; ++j) {
          const int64_t position = n * map_.positions() + p + int64_t{4} * j / block;
          counters[j] =
              static_cast<uint64_t>((position * map_.channels + channel_block * block) / 4 + j % (block / 4));
        }
        drop(counters, plane + p * block, std::min(kWords, (end - p) * block));
      }
    });
  }

  // An image's elements lie together in every layout.
  void run_images() {
    const int64_t count = map_.elements(), size = count / map_.images;
    parallel_for((count + kGrain - 1) / kGrain, [&](int64_t first, int64_t last) {
      const int64_t end = std::min(count, last * kGrain);
      for (int64_t i = first * kGrain; i < end;) {
        const int64_t image = i / size, stop = std::min(end, (image + 1) * size);
        const Vec factor = broadcast(image_factor(image));
        elementwise_range(
            i, stop, y_, [&](Vec x) { return x * factor; }, x_);
        i = stop;
      }
    });
  }

  float image_factor(int64_t image) const {
    const uint64_t counters[kPhiloxCounters] = {static_cast<uint64_t>(image / 4)};
    uint32_t words[kWords];
    philox(counters, stream_, static_cast<uint32_t>(key_[0]), static_cast<uint32_t>(key_[1]), words);
    return words[image % 4] > last_dropped_ ? scale_ : dropped_scale_;
  }

  // The elements from storage index `first` on, which belong to the counters in this order.
  void drop(const uint64_t counters[kPhiloxCounters], int64_t first, int64_t count) {
    uint32_t words[kWords];
    philox(counters, stream_, static_cast<uint32_t>(key_[0]), static_cast<uint32_t>(key_[1]), words);
    for (int64_t i = 0; i < count; i += kLanes) {
      VecUint word;
      std::memcpy(&word, words + i, sizeof word);
      const Vec factor = word > last_dropped_ ? broadcast(scale_) : broadcast(dropped_scale_);
      const int64_t width = count - i;
      store(y_ + first + i, load(x_ + first + i, width) * factor, width);
    }
  }

  MapLayout map_;
  float scale_;
  uint32_t last_dropped_;  // words up to this are dropped
  float dropped_scale_;
  uint32_t stream_;
  bool whole_;
  const float* x_ = nullptr;
  const int32_t* key_ = nullptr;
  float* y_ = nullptr;
};

}  // namespace

StepPlan prepare_dropout(const PrepareContext& context) {
  const Node& node = context.node;
  require_operands(node, 2, 1);
  const MapLayout map = checked_layout(node, context.in(0));
  require(map.block == map.channels || map.block == 8 || map.block == 16, node,
          "channels-last, or blocks of 8 or 16");
  require_same_storage(node, context.in(0), context.out(0));
  require_dtype(node, context.in(1), DType::kInt32);
  require(context.in(1).elements() == 2, node, "a key of two words");
  const double rate = node.number("rate");
  require(rate >= 0 && rate < 1, node, "a rate from 0 to below 1");
  StepPlan plan;
  plan.step = std::make_unique<DropoutStep>(map, rate, static_cast<uint32_t>(node.integer("stream")),
                                            node.flag("whole"));
  plan.reuse = {{0, 0}};
  plan.implementation = "philox";
  return plan;
}

}  // namespace senet::cpu
