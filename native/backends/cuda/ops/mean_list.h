// Pairs of a mean and a value of equal size among a node's inputs, for kernels that move all means in one launch.
#pragma once

#include "backends/cuda/ops/tensor_list.h"

namespace senet::cuda {

// The pairs from input `first` on.
inline TensorList<MeanTensor> checked_means(const PrepareContext& context, size_t first) {
  const Node& node = context.node;
  require(node.inputs.size() > first && (node.inputs.size() - first) % 2 == 0, node, "pairs of inputs");
  require_operands(node, node.inputs.size(), 0);
  TensorList<MeanTensor> means;
  for (size_t i = first; i < node.inputs.size(); i += 2) {
    MeanTensor mean{};
    mean.elements = context.in(i).elements();
    for (size_t j : {i, i + 1}) require_floats(node, context.in(j), mean.elements);
    means.add(mean);
  }
  return means;
}

// Takes the addresses and copies the list to the device.
inline void bind_means(TensorList<MeanTensor>* means, size_t first, const Binding& binding,
                       const Stream& stream) {
  for (int t = 0; t < means->count(); ++t) {
    const size_t i = first + 2 * static_cast<size_t>(t);
    MeanTensor& mean = (*means)[t];
    // The means are changed in place, though they come as inputs.
    mean.mean = static_cast<float*>(const_cast<void*>(binding.inputs[i]));
    mean.value = static_cast<const float*>(binding.inputs[i + 1]);
    mean.aligned = are_aligned({mean.mean, mean.value});
  }
  means->upload(binding.constants, stream);
}

}  // namespace senet::cuda
