// How device code reports that a kernel is wrong, and where in the kernel.
#pragma once

#include <source_location>

#include "driver_types.h"

namespace senet::sim {

// Where a device function was called; as a default argument it is the place in the kernel.
using Site = std::source_location;

// Ends the running kernel with an error that stays, as on the device. The message names kernel, block and
// thread.
[[noreturn]] void kernel_fault(cudaError_t error, const Site& site, const char* format, ...)
    __attribute__((format(printf, 3, 4)));

}  // namespace senet::sim
