// What the steps of the CUDA backend have in common: checks of operands, addresses with their types, and steps
// that are a function of their addresses.
#pragma once

#include <memory>
#include <string>
#include <type_traits>
#include <utility>

#include "backends/cuda/kernels/kernels.h"
#include "backends/cuda/table.h"
#include "backends/require.h"

namespace senet::cuda {

inline bool is_float(const Value& value) {
  return value.dtype == DType::kFloat32 || value.dtype == DType::kFloat16 || value.dtype == DType::kBFloat16;
}

inline Storage storage_of(const Value& value) {
  if (value.dtype == DType::kFloat16) return Storage::kFloat16;
  return value.dtype == DType::kBFloat16 ? Storage::kBFloat16 : Storage::kFloat32;
}

// The size of a map or vector of floats; a vector [N,C] counts as a map with one position.
inline MapSize checked_size(const Node& node, const Value& value) {
  require(is_float(value), node, "floats in '" + value.name + "'");
  const auto& s = value.shape;
  require(s.size() == 2 || s.size() == 4, node, "a map or a vector for '" + value.name + "'");
  for (int64_t size : s) require(size >= 1, node, "sizes above zero for '" + value.name + "'");
  if (s.size() == 2) return {s[0], 1, s[1]};
  return {s[0], s[1] * s[2], s[3]};
}

inline void require_floats(const Node& node, const Value& value, int64_t count) {
  require_dtype(node, value, DType::kFloat32);
  require(value.elements() == count, node,
          std::to_string(count) + " floats in '" + value.name + "', received " +
              std::to_string(value.elements()));
}

// Input i, or output i, holds `count` floats, if it is given.
inline void require_input_floats(const PrepareContext& context, size_t i, int64_t count) {
  if (context.node.has_input(i)) require_floats(context.node, context.in(i), count);
}
inline void require_output_floats(const PrepareContext& context, size_t i, int64_t count) {
  if (context.node.has_output(i)) require_floats(context.node, context.out(i), count);
}

// Equal shape and storage.
inline void require_same(const Node& node, const Value& a, const Value& b) {
  require(is_float(a) && a.dtype == b.dtype && a.shape == b.shape, node,
          "'" + a.name + "' and '" + b.name + "' of equal shape and type");
}

// Addresses by position, as pointers to a type; null where nothing is given.
class Operands {
 public:
  explicit Operands(const Binding& binding) : binding_(binding) {}

  template <typename T = float>
  const T* in(size_t i) const {
    return i < binding_.inputs.size() ? static_cast<const T*>(binding_.inputs[i]) : nullptr;
  }
  template <typename T = float>
  T* out(size_t i) const {
    return i < binding_.outputs.size() ? static_cast<T*>(binding_.outputs[i]) : nullptr;
  }
  void* workspace() const { return binding_.workspace; }

 private:
  const Binding& binding_;
};

// A step whose run is launch(operands): it queues kernels on the stream.
template <typename Launch>
class LaunchStep final : public Step {
 public:
  explicit LaunchStep(Launch launch) : launch_(std::move(launch)) {}

  void bind(const Binding& binding) override { binding_ = binding; }
  void run() override { launch_(Operands(binding_)); }

 private:
  Launch launch_;
  Binding binding_;
};

template <typename Launch>
StepPlan launch_plan(std::string implementation, Launch launch, size_t workspace_bytes = 0) {
  StepPlan plan;
  plan.step = std::make_unique<LaunchStep<Launch>>(std::move(launch));
  plan.implementation = std::move(implementation);
  plan.workspace_bytes = workspace_bytes;
  return plan;
}

// The same for a launch(operands, StorageTag<T>()) that depends on a storage type.
template <typename Launch>
StepPlan typed_launch_plan(std::string implementation, Storage storage, Launch launch,
                           size_t workspace_bytes = 0) {
  return launch_plan(
      std::move(implementation),
      [storage, launch = std::move(launch)](const Operands& operands) {
        with_storage(storage, [&](auto tag) { launch(operands, tag); });
      },
      workspace_bytes);
}

template <typename Tag>
using TypeOf = typename std::decay_t<Tag>::type;

}  // namespace senet::cuda
