#include "backends/cuda_sim/simt/settings.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace senet::sim {

namespace {

uint64_t environment_number(const char* name, uint64_t otherwise) {
  const char* const text = std::getenv(name);
  return text == nullptr || *text == '\0' ? otherwise : std::strtoull(text, nullptr, 0);
}

Schedule environment_schedule() {
  const char* const text = std::getenv("SENET_SIM_SCHEDULE");
  if (text != nullptr && std::strcmp(text, "reverse") == 0) return Schedule::kReverse;
  if (text != nullptr && std::strcmp(text, "random") == 0) return Schedule::kRandom;
  return Schedule::kForward;
}

// "75,90": numbers from which everything else follows.
std::vector<int> environment_devices() {
  const char* text = std::getenv("SENET_SIM_DEVICES");
  if (text == nullptr || *text == '\0') return {90};
  std::vector<int> devices;
  for (char* end = nullptr;; text = end + 1) {
    devices.push_back(static_cast<int>(std::strtol(text, &end, 10)));
    if (*end != ',') return devices;
  }
}

uint64_t state_of_seed(uint64_t seed) {
  return seed * 0x9e3779b97f4a7c15u | 1u;
}

Settings initial_settings() {
  return {
      .schedule = environment_schedule(),
      .random_state = state_of_seed(environment_number("SENET_SIM_SEED", 1)),
      .fill = static_cast<unsigned char>(environment_number("SENET_SIM_FILL", 0xff)),
      .strict = true,
      .total_memory = environment_number("SENET_SIM_MEMORY", uint64_t{4} << 30),
      .devices = environment_devices(),
      .idle = environment_number("SENET_SIM_IDLE", 0) != 0,
  };
}

}  // namespace

Settings& settings() {
  static Settings current = initial_settings();
  return current;
}

void seed_random(uint64_t seed) {
  settings().random_state = state_of_seed(seed);
}

size_t random_below(size_t limit) {
  uint64_t& state = settings().random_state;
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return static_cast<size_t>((state * 0x2545f4914f6cdd1du >> 16) % limit);
}

size_t choose(size_t count) {
  switch (settings().schedule) {
    case Schedule::kForward:
      return 0;
    case Schedule::kReverse:
      return count - 1;
    case Schedule::kRandom:
      return random_below(count);
  }
  return 0;
}

void arrange(std::vector<int>& order, size_t first) {
  switch (settings().schedule) {
    case Schedule::kForward:
      break;
    case Schedule::kReverse:
      std::reverse(order.begin() + static_cast<std::ptrdiff_t>(first), order.end());
      break;
    case Schedule::kRandom:
      for (size_t i = order.size(); i > first + 1; --i) {
        std::swap(order[i - 1], order[first + random_below(i - first)]);
      }
      break;
  }
}

}  // namespace senet::sim
