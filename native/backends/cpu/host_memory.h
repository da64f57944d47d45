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

// Nothing has to be sent: the device is the host.
class HostStaging final : public Staging {
 public:
  explicit HostStaging(size_t bytes);
  ~HostStaging() override;

  void send(size_t, size_t) override {}
  void deliver(std::byte* to, size_t offset, size_t bytes) override;
};

}  // namespace senet::cpu
