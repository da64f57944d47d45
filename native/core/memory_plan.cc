#include "core/memory_plan.h"

#include <algorithm>
#include <numeric>

namespace senet {

MemoryPlan plan_memory(const std::vector<Lifetime>& lifetimes) {
  std::vector<size_t> order(lifetimes.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return lifetimes[a].bytes > lifetimes[b].bytes; });

  MemoryPlan plan;
  plan.offsets.resize(lifetimes.size());
  std::vector<size_t> placed;  // sorted by offset
  for (size_t i : order) {
    const Lifetime& wanted = lifetimes[i];
    const size_t bytes = align_up(wanted.bytes);
    size_t offset = 0;
    for (size_t j : placed) {
      const Lifetime& other = lifetimes[j];
      const bool together = wanted.first <= other.last && other.first <= wanted.last;
      if (!together) continue;
      if (plan.offsets[j] >= offset + bytes) break;
      offset = std::max(offset, plan.offsets[j] + align_up(other.bytes));
    }
    plan.offsets[i] = offset;
    plan.bytes = std::max(plan.bytes, offset + bytes);
    const auto position = std::upper_bound(placed.begin(), placed.end(), offset,
                                           [&](size_t at, size_t j) { return at < plan.offsets[j]; });
    placed.insert(position, i);
  }
  return plan;
}

}  // namespace senet
