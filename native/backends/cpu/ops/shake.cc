// shake: y = s * a + (1 - s) * b; shake_grad: da = t * dy, db = (1 - t) * dy. s and t belong to an image: word
// n % 4 of Philox counter n / 4 for image n, times 2^-32, of the streams `stream` and `gradientStream`; t is 1/2
// where the gradient is shared evenly. All maps in one storage order, in which an image's elements lie
// together.
#include "backends/cpu/ops/cells.h"
#include "backends/cpu/ops/elementwise.h"
#include "backends/cpu/ops/philox.h"
#include "backends/cpu/table.h"

namespace senet::cpu {
namespace {

// The share of image n's first branch.
float share_of(int64_t n, uint32_t stream, const int32_t* key) {
  const uint64_t counters[kPhiloxCounters] = {static_cast<uint64_t>(n / 4)};
  uint32_t words[4 * kPhiloxCounters];
  philox(counters, stream, static_cast<uint32_t>(key[0]), static_cast<uint32_t>(key[1]), words);
  return static_cast<float>(words[n % 4]) * 0x1p-32f;
}

// body(image, begin, end) for ranges of elements that lie in one image, over all cores.
template <typename Body>
void parallel_images(int64_t count, int64_t images, const Body& body) {
  const int64_t size = count / images;
  parallel_for((count + kGrain - 1) / kGrain, [&](int64_t first, int64_t last) {
    const int64_t end = std::min(count, last * kGrain);
    for (int64_t i = first * kGrain; i < end;) {
      const int64_t image = i / size, stop = std::min(end, (image + 1) * size);
      body(image, i, stop);
      i = stop;
    }
  });
}

class ShakeStep final : public Step {
 public:
  ShakeStep(int64_t count, int64_t images, uint32_t stream)
      : count_(count), images_(images), stream_(stream) {}

  void bind(const Binding& binding) override {
    a_ = static_cast<const float*>(binding.inputs[0]);
    b_ = static_cast<const float*>(binding.inputs[1]);
    key_ = static_cast<const int32_t*>(binding.inputs[2]);
    y_ = static_cast<float*>(binding.outputs[0]);
  }

  void run() override {
    parallel_images(count_, images_, [this](int64_t image, int64_t begin, int64_t end) {
      const float share = share_of(image, stream_, key_);
      const Vec s = broadcast(share), rest = broadcast(1.0f - share);
      elementwise_range(
          begin, end, y_, [&](Vec a, Vec b) { return a * s + b * rest; }, a_, b_);
    });
  }

 private:
  int64_t count_, images_;
  uint32_t stream_;
  const float* a_ = nullptr;
  const float* b_ = nullptr;
  const int32_t* key_ = nullptr;
  float* y_ = nullptr;
};

class ShakeGradStep final : public Step {
 public:
  ShakeGradStep(int64_t count, int64_t images, uint32_t stream, bool even)
      : count_(count), images_(images), stream_(stream), even_(even) {}

  void bind(const Binding& binding) override {
    dy_ = static_cast<const float*>(binding.inputs[0]);
    key_ = static_cast<const int32_t*>(binding.inputs[1]);
    da_ = static_cast<float*>(binding.outputs[0]);
    db_ = static_cast<float*>(binding.outputs[1]);
  }

  void run() override {
    parallel_images(count_, images_, [this](int64_t image, int64_t begin, int64_t end) {
      const float share = even_ ? 0.5f : share_of(image, stream_, key_);
      const Vec s = broadcast(share), rest = broadcast(1.0f - share);
      for (int64_t i = begin; i < end; i += kLanes) {
        const Vec dy = load(dy_ + i, end - i);
        store(da_ + i, dy * s, end - i);
        store(db_ + i, dy * rest, end - i);
      }
    });
  }

 private:
  int64_t count_, images_;
  uint32_t stream_;
  bool even_;
  const float* dy_ = nullptr;
  const int32_t* key_ = nullptr;
  float* da_ = nullptr;
  float* db_ = nullptr;
};

void require_key(const PrepareContext& context, size_t position) {
  require_dtype(context.node, context.in(position), DType::kInt32);
  require(context.in(position).elements() == 2, context.node, "a key of two words");
}

}  // namespace

StepPlan prepare_shake(const PrepareContext& context) {
  const Node& node = context.node;
  require_operands(node, 3, 1);
  for (size_t i = 0; i < 2; ++i) require_same_storage(node, context.in(i), context.out(0));
  require_key(context, 2);
  StepPlan plan;
  plan.step = std::make_unique<ShakeStep>(context.in(0).elements(), context.in(0).shape[0],
                                          static_cast<uint32_t>(node.integer("stream")));
  plan.reuse = {{0, 0}, {0, 1}};
  plan.implementation = "philox";
  return plan;
}

StepPlan prepare_shake_grad(const PrepareContext& context) {
  const Node& node = context.node;
  require_operands(node, 2, 2);
  for (size_t i = 0; i < 2; ++i) require_same_storage(node, context.in(0), context.out(i));
  require_key(context, 1);
  StepPlan plan;
  plan.step = std::make_unique<ShakeGradStep>(context.in(0).elements(), context.in(0).shape[0],
                                              static_cast<uint32_t>(node.integer("gradientStream")),
                                              node.text("backward") == "even");
  plan.reuse = {{0, 0}};
  plan.implementation = "philox";
  return plan;
}

}  // namespace senet::cpu
