// Pinned memory of the host, which the device reads and writes late.
#pragma once

namespace senet::sim {

// Whether the address lies in memory from cudaMallocHost() or cudaHostAlloc().
bool is_pinned(const void* address);

}  // namespace senet::sim
