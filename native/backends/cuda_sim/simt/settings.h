// What sim_set_* of control.h set, and the random numbers that all decisions of the simulator come from.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace senet::sim {

enum class Schedule { kForward, kReverse, kRandom };

struct Settings {
  Schedule schedule;
  uint64_t random_state;
  unsigned char fill;
  bool strict;
  size_t total_memory;
  std::vector<int> devices;  // compute capability of each, 90 for 9.0; they share one memory
  bool idle;                 // work is checked and queued, and nothing of it done
};

// Starts from the environment; guarded by the runtime's lock.
Settings& settings();

void seed_random(uint64_t seed);

// A number below `limit`.
size_t random_below(size_t limit);

// One of `count` things in forward order: the first, the last or any, as the schedule says.
size_t choose(size_t count);

// Brings what follows position `first`, which is in forward order, into the order of the schedule.
void arrange(std::vector<int>& order, size_t first);

}  // namespace senet::sim
