// Where pooling windows lie, shared by max_pool, avg_pool and their gradients.
#pragma once

#include "backends/cuda/ops/step.h"

namespace senet::cuda {

// The windows of a pool node from map x to map y (of its gradient: from dx to dy).
inline PoolSize checked_pool(const Node& node, const Value& x, const Value& y) {
  const auto kernel = node.integers("kernel"), stride = node.integers("stride"),
             padding = node.integers("padding");
  require(kernel.size() == 2 && stride.size() == 2 && padding.size() == 4, node,
          "kernel, stride and padding");
  const auto all = [&](const std::vector<int64_t>& list, int64_t least, const char* expected) {
    for (int64_t v : list) require(v >= least && v <= INT32_MAX, node, expected);
  };
  all(kernel, 1, "a kernel of at least 1");
  all(stride, 1, "a stride of at least 1");
  all(padding, 0, "no negative padding");
  checked_size(node, x);
  checked_size(node, y);
  require(x.is_map() && y.is_map() && x.dtype == y.dtype, node, "maps of one type");
  require(x.shape[0] == y.shape[0] && x.shape[3] == y.shape[3], node, "equal batch and channels");
  all({x.shape[1], x.shape[2], y.shape[1], y.shape[2]}, 1, "sizes that fit 31 bits");
  const auto axis = [&](size_t side) {
    const auto narrow = [](int64_t v) { return static_cast<int32_t>(v); };
    return PoolAxis{narrow(x.shape[1 + side]), narrow(y.shape[1 + side]), narrow(kernel[side]),
                    narrow(stride[side]),      narrow(padding[2 * side]), narrow(padding[2 * side + 1])};
  };
  return {x.shape[0], x.shape[3], axis(0), axis(1)};
}

}  // namespace senet::cuda
