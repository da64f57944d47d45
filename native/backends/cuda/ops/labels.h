// Logits with their labels, as softmax_cross_entropy and top_k_correct take them.
#pragma once

#include "backends/cuda/ops/step.h"

namespace senet::cuda {

struct LabelledRows {
  int64_t rows, classes;
  bool soft;  // labels are distributions [N,K], otherwise class indices [N]
};

// logits [N,K] at input 0, labels at input 1.
inline LabelledRows checked_labels(const PrepareContext& context) {
  const Node& node = context.node;
  const MapSize x = checked_size(node, context.in(0));
  require(x.positions == 1, node, "a vector");
  require_floats(node, context.in(0), x.elements());
  const Value& labels = context.in(1);
  const bool soft = labels.dtype == DType::kFloat32;
  if (soft) {
    require_floats(node, labels, x.elements());
  } else {
    require_dtype(node, labels, DType::kInt32);
    require(labels.elements() == x.images, node, "one label per sample");
  }
  return {x.images, x.channels, soft};
}

inline Labels labels_at(const Operands& at, const LabelledRows& rows) {
  return rows.soft ? Labels{nullptr, at.in(1)} : Labels{at.in<int32_t>(1), nullptr};
}

}  // namespace senet::cuda
