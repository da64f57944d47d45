// Memory straight from the operating system: page-aligned, zeroed, in huge pages where the kernel grants
// them.
#pragma once

#include <string>

#include "backends/backend.h"

namespace senet::cpu {

class HostMemory final : public Memory {
 public:
  // Throws Error(kOutOfMemory) naming the bytes and `purpose`.
  HostMemory(size_t bytes, const std::string& purpose);
  ~HostMemory() override;
};

}  // namespace senet::cpu
