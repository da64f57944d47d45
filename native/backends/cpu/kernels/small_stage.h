// The small stages between two passes over memory: on all threads only if that is worth waking them.
#pragma once

#include "backends/cpu/parallel.h"

namespace senet::cpu {

// Elements below which one thread is done before the others have started; on busy cores it also saves waiting
// for them.
inline constexpr int64_t kWorthThreads = 32768;

// parallel_for over `count` items of `cost` elements each. What body computes for an item must not depend on
// the share the item is in.
template <typename Body>
void small_stage(int64_t count, int64_t cost, const Body& body) {
  if (count * cost >= kWorthThreads) {
    parallel_for(count, body);
  } else if (count > 0) {
    body(int64_t{0}, count);
  }
}

}  // namespace senet::cpu
