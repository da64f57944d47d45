// Names of activations in nodes, for the enumerations of every backend.
#pragma once

#include <string>

#include "backends/require.h"

namespace senet {

template <typename Activation>
Activation activation_of(const Node& node, const std::string& key) {
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
template <typename ExcitationKind>
ExcitationKind excitation_kind_of(const Node& node) {
  using Activation = decltype(ExcitationKind::gate);
  const ExcitationKind kind = {activation_of<Activation>(node, "gate"),
                               activation_of<Activation>(node, "hidden")};
  require(!needs_argument(kind.gate), node, "a gate whose slope follows from its value");
  return kind;
}

}  // namespace senet
