// One pass over memory for functions of single elements; the storage order does not matter to them.
#pragma once

#include <algorithm>
#include <array>
#include <memory>
#include <tuple>
#include <utility>
#include <vector>

#include "backends/cpu/ops/check.h"
#include "backends/cpu/parallel.h"
#include "backends/cpu/simd.h"

namespace senet::cpu {

// Work below this many elements is not worth a second thread.
inline constexpr int64_t kGrain = 4096;

// The first `width` lanes; the others are 0.
inline Vec load(const float* p, int64_t width) {
  if (width >= kLanes) return load(p);
  Vec v = {};
  std::memcpy(&v, p, static_cast<size_t>(width) * sizeof(float));
  return v;
}
inline void store(float* p, Vec v, int64_t width) {
  if (width >= kLanes) return store(p, v);
  std::memcpy(p, &v, static_cast<size_t>(width) * sizeof(float));
}

// y[i] = f(in[i]...) for vectors of elements, in this thread. y may be one of the inputs.
template <typename F, typename... In>
void elementwise_range(int64_t begin, int64_t end, float* y, const F& f, const In*... in) {
  int64_t i = begin;
  for (; i + kLanes <= end; i += kLanes) store(y + i, f(load(in + i)...));
  if (i < end) store(y + i, f(load(in + i, end - i)...), end - i);
}

// The same over all cores.
template <typename F, typename... In>
void elementwise(int64_t count, float* y, const F& f, const In*... in) {
  parallel_for((count + kGrain - 1) / kGrain, [&](int64_t begin, int64_t end) {
    elementwise_range(begin * kGrain, std::min(count, end * kGrain), y, f, in...);
  });
}

// The step of an op whose one output is F of its first `kInputs` inputs.
template <typename F, size_t kInputs>
class ElementwiseStep final : public Step {
 public:
  explicit ElementwiseStep(int64_t count) : count_(count) {}

  void bind(const Binding& binding) override {
    for (size_t i = 0; i < kInputs; ++i) inputs_[i] = static_cast<const float*>(binding.inputs[i]);
    y_ = static_cast<float*>(binding.outputs[0]);
  }

  void run() override {
    std::apply([this](auto... in) { elementwise(count_, y_, F{}, in...); }, inputs_);
  }

 private:
  int64_t count_;
  std::array<const float*, kInputs> inputs_ = {};
  float* y_ = nullptr;
};

// Checks the operands and plans an ElementwiseStep; the output may take the memory of any input.
template <typename F, size_t kInputs>
StepPlan plan_elementwise(const PrepareContext& context) {
  require_operands(context.node, kInputs, 1);
  StepPlan plan;
  for (size_t i = 0; i < kInputs; ++i) {
    require_same_storage(context.node, context.in(i), context.out(0));
    plan.reuse.emplace_back(0, static_cast<int>(i));
  }
  plan.step = std::make_unique<ElementwiseStep<F, kInputs>>(context.out(0).elements());
  plan.implementation = "simd";
  return plan;
}

}  // namespace senet::cpu
