// Runs steps one after the other on the calling thread; each is done when its run() returns.
#pragma once

#include "backends/backend.h"

namespace senet::cpu {

class SequentialRunner final : public Runner {
 public:
  void run(std::span<Step* const> steps, size_t first_change, const std::function<bool()>& stopping,
           size_t* current, double* step_ms) override;
};

}  // namespace senet::cpu
