// One parallel pass over many tensors, shared out by elements: a hundred small tensors cost no more than one
// of their summed size.
#pragma once

#include <algorithm>
#include <vector>

#include "backends/cpu/ops/elementwise.h"

namespace senet::cpu {

class FlatSweep {
 public:
  // Adds a tensor; tensors are numbered in the order of the calls.
  void add(int64_t elements) { ends_.push_back((ends_.empty() ? 0 : ends_.back()) + elements); }

  // Calls body(tensor, begin, end) for parts that together cover every tensor once, over all cores.
  template <typename Body>
  void run(const Body& body) const {
    const int64_t total = ends_.empty() ? 0 : ends_.back();
    parallel_for((total + kGrain - 1) / kGrain, [&](int64_t first, int64_t last) {
      const int64_t stop = std::min(total, last * kGrain);
      int64_t i = first * kGrain;
      // The first tensor that ends beyond i.
      size_t tensor = std::upper_bound(ends_.begin(), ends_.end(), i) - ends_.begin();
      for (; i < stop; ++tensor) {
        const int64_t start = tensor == 0 ? 0 : ends_[tensor - 1];
        const int64_t end = std::min(stop, ends_[tensor]);
        if (i < end) body(tensor, i - start, end - start);
        i = end;
      }
    });
  }

 private:
  std::vector<int64_t> ends_;  // where each tensor ends when all lie one behind the other
};

}  // namespace senet::cpu
