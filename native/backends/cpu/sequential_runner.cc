#include "backends/cpu/sequential_runner.h"

#include <chrono>

#include "core/error.h"

namespace senet::cpu {

void SequentialRunner::run(std::span<Step* const> steps, size_t /*first_change*/,
                           const std::function<bool()>& stopping, size_t* current, double* step_ms) {
  using Clock = std::chrono::steady_clock;
  for (*current = 0; *current < steps.size(); ++*current) {
    if (stopping()) throw Error(ErrorCode::kStopped, "the environment is going away");
    const Clock::time_point start = Clock::now();
    steps[*current]->run();
    steps[*current]->settle();
    if (step_ms != nullptr) {
      step_ms[*current] = std::chrono::duration<double, std::milli>(Clock::now() - start).count();
    }
  }
}

}  // namespace senet::cpu
