// Names of activations and gates in nodes.
#pragma once

#include <string>

#include "backends/cuda/device/kinds.h"
#include "backends/require.h"

namespace senet::cuda {

inline Activation activation_of(const Node& node, const std::string& key) {
  const std::string& name = node.text(key);
  if (name == "relu") return Activation::kRelu;
  if (name == "sigmoid") return Activation::kSigmoid;
  require(name == "tanh", node, key + " relu, sigmoid or tanh, received " + name);
  return Activation::kTanh;
}

}  // namespace senet::cuda
