// What batch_norm and norm_tail make sure of before they run, and their operands as floats.
#pragma once

#include <initializer_list>
#include <string>

#include "backends/cpu/ops/check.h"

namespace senet::cpu {

class NormCheck {
 public:
  explicit NormCheck(const PrepareContext& context) : context_(context) {}

  // The inputs at these positions are given and hold `count` floats each.
  void inputs(std::initializer_list<size_t> positions, int64_t count) const {
    for (size_t i : positions) {
      require(context_.node.has_input(i), context_.node, "an input at position " + std::to_string(i));
      optional_input(i, count);
    }
  }
  void optional_input(size_t i, int64_t count) const {
    if (context_.node.has_input(i)) floats(context_.in(i), count);
  }
  // The outputs at these positions hold `count` floats each, if they are given.
  void outputs(std::initializer_list<size_t> positions, int64_t count) const {
    for (size_t i : positions) {
      if (context_.node.has_output(i)) floats(context_.out(i), count);
    }
  }
  void same_storage(const Value& a, const Value& b) const { require_same_storage(context_.node, a, b); }
  // One bit for each of `elements` elements.
  void mask(const Value& value, int64_t elements) const {
    require_dtype(context_.node, value, DType::kUint8);
    require(value.elements() == (elements + 7) / 8, context_.node,
            "one bit per element in '" + value.name + "'");
  }

 private:
  void floats(const Value& value, int64_t count) const {
    require_dtype(context_.node, value, DType::kFloat32);
    require(value.elements() == count, context_.node,
            std::to_string(count) + " floats in '" + value.name + "', received " +
                std::to_string(value.elements()));
  }

  const PrepareContext& context_;
};

// The operands of a Binding by position; null past the end of the lists.
class BoundFloats {
 public:
  explicit BoundFloats(const Binding& binding) : binding_(binding) {}

  const float* input(size_t i) const { return static_cast<const float*>(in(i)); }
  const uint8_t* input_bytes(size_t i) const { return static_cast<const uint8_t*>(in(i)); }
  float* output(size_t i) const { return static_cast<float*>(out(i)); }
  uint8_t* output_bytes(size_t i) const { return static_cast<uint8_t*>(out(i)); }

 private:
  const void* in(size_t i) const { return i < binding_.inputs.size() ? binding_.inputs[i] : nullptr; }
  void* out(size_t i) const { return i < binding_.outputs.size() ? binding_.outputs[i] : nullptr; }

  const Binding& binding_;
};

// "blocked" or "channels_last", for a plan's implementation.
inline std::string layout_name(const MapLayout& map) {
  return map.block == map.channels ? "channels_last" : "blocked";
}

}  // namespace senet::cpu
