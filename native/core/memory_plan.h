// Places every intermediate of a program in one arena so that values which are never alive together share
// memory.
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

namespace senet {

// A stretch of memory needed from node `first` to node `last`, both included.
struct Lifetime {
  size_t bytes;
  int first;
  int last;
};

struct MemoryPlan {
  std::vector<size_t> offsets;  // one for each lifetime, 64-byte aligned
  size_t bytes = 0;             // size of the arena
};

inline constexpr size_t kAlignment = 64;

constexpr size_t align_up(size_t bytes) {
  return (bytes + kAlignment - 1) / kAlignment * kAlignment;
}

// Largest first, each at the lowest offset where it meets nothing that is alive at the same time.
MemoryPlan plan_memory(const std::vector<Lifetime>& lifetimes);

}  // namespace senet
