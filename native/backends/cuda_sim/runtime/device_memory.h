// The memory of the simulated device: a reserved range of addresses. Every allocation has pages of its own,
// ends at a page that cannot be touched, and is filled with the fill pattern; what is left of its pages holds
// a canary. The host cannot touch any of it, except where the simulator opens it to run operations.
#pragma once

#include <cstddef>
#include <map>
#include <vector>

#include "driver_types.h"

namespace senet::sim {

struct Allocation {
  std::byte* data;
  size_t bytes;
  std::byte* pages;
  size_t page_bytes;
};

class DeviceMemory {
 public:
  DeviceMemory();

  // Null when there is no room below the limit.
  void* allocate(size_t bytes);
  // Reports a pointer that is not a live allocation, or a damaged canary.
  cudaError_t release(void* pointer);

  // Whether the address is one of the device's at all.
  bool owns(const void* address) const {
    const auto* const byte = static_cast<const std::byte*>(address);
    return byte >= base_ && byte < base_ + kReserved;
  }
  // The live allocation that holds the address or ends at it; null if none.
  const Allocation* find(const void* address) const;
  // The last allocation that starts at or before the address; null if none.
  const Allocation* nearest_below(const void* address) const;
  // Whether the range lies in one live allocation.
  bool contains(const void* address, size_t bytes) const;
  bool canary_intact(const Allocation& allocation) const;

  // Lets the calling thread touch device memory until close(); calls nest.
  void open();
  void close();

  size_t live() const { return allocations_.size(); }
  size_t used_bytes() const { return used_; }
  size_t peak_bytes() const { return peak_; }
  void reset_peak() { peak_ = used_; }
  const std::byte* base() const { return base_; }

  static constexpr size_t kReserved = size_t{64} << 30;

 private:
  std::byte* take_pages(size_t bytes);
  void set_access(const Allocation& allocation, bool open) const;
  void set_access_of_all(bool open) const;
  template <typename Action>
  void with_access(const Allocation& allocation, Action action);

  std::byte* base_ = nullptr;
  size_t page_ = 0;
  size_t taken_ = 0;  // of the reserved range
  std::map<const std::byte*, Allocation> allocations_;
  std::vector<Allocation> holes_;  // freed pages; used again only when the range is exhausted
  size_t used_ = 0;
  size_t peak_ = 0;
  int key_ = -1;  // protection key, where the processor has them
  bool has_guards_ = false;
  int depth_ = 0;
};

// The one of the process; used under the runtime's lock.
DeviceMemory& device_memory();

// Opens the device's memory for the lifetime of the object.
class DeviceAccess {
 public:
  DeviceAccess() { device_memory().open(); }
  ~DeviceAccess() { device_memory().close(); }
  DeviceAccess(const DeviceAccess&) = delete;
  DeviceAccess& operator=(const DeviceAccess&) = delete;
};

}  // namespace senet::sim
