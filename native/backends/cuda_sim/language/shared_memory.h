// Shared memory as seen by a simulated thread.
#pragma once

#include <cstddef>

namespace senet::sim {

// The array of the running block that `declaration` names; made, filled with the fill pattern and fenced by
// guard bytes when the first thread of the block asks.
void* shared_array(const void* declaration, const char* name, size_t bytes, size_t alignment);

// The dynamic shared memory of the running block. A fault if the launch asked for none.
void* dynamic_shared();

}  // namespace senet::sim
