// Errors of the simulated device: what each is called, and what went wrong in words.
#pragma once

#include <string>

#include "driver_types.h"

namespace senet::sim {

// Keeps the message, for cudaGetErrorString() and sim_last_message(), and returns `error`.
cudaError_t report(cudaError_t error, const char* format, ...) __attribute__((format(printf, 2, 3)));

// The last message, "" if none, and the error it came with.
struct Diagnostic {
  cudaError_t error = cudaSuccess;
  std::string message;
};
Diagnostic last_diagnostic();
void forget_diagnostic();

}  // namespace senet::sim
