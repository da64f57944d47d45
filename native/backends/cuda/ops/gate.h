// Names of activations and gates in nodes.
#pragma once

#include <string>

#include "backends/cuda/kernels/kernels.h"
#include "backends/require.h"

namespace senet::cuda {

inline Activation activation_of(const Node& node, const std::string& key) {
  const std::string& name = node.text(key);
  if (name == "relu") return Activation::kRelu;
  if (name == "sigmoid") return Activation::kSigmoid;
  if (name == "tanh") return Activation::kTanh;
  if (name == "silu") return Activation::kSilu;
  if (name == "hard_swish") return Activation::kHardSwish;
  if (name == "hard_sigmoid") return Activation::kHardSigmoid;
  require(name == "relu6", node, key + " of a known activation, received " + name);
  return Activation::kRelu6;
}

// Gate and hidden activation of an excitation.
inline ExcitationKind excitation_kind_of(const Node& node) {
  const ExcitationKind kind = {activation_of(node, "gate"), activation_of(node, "hidden")};
  require(!needs_argument(kind.gate), node, "a gate whose slope follows from its value");
  return kind;
}

}  // namespace senet::cuda
