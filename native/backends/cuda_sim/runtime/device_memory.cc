#include "backends/cuda_sim/runtime/device_memory.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <new>

#include "backends/cuda_sim/runtime/diagnostics.h"
#include "backends/cuda_sim/runtime/segfault.h"
#include "backends/cuda_sim/simt/sanitizers.h"
#include "backends/cuda_sim/simt/settings.h"

namespace senet::sim {

namespace {

constexpr size_t kAlignment = 256;  // of every allocation, as cudaMalloc promises
constexpr std::byte kCanary{0xa5};
// Linux 6.13 and later: pages that cannot be touched although those around them, of the same mapping, can. The
// headers of most systems don't name it yet.
constexpr int kInstallGuard = 102;

size_t round_up(size_t value, size_t step) {
  return (value + step - 1) / step * step;
}

bool all_canary(const std::byte* first, const std::byte* last) {
  return std::all_of(first, last, [](std::byte byte) { return byte == kCanary; });
}

}  // namespace

DeviceMemory& device_memory() {
  static DeviceMemory& only = *new DeviceMemory;
  return only;
}

DeviceMemory::DeviceMemory() : page_(static_cast<size_t>(sysconf(_SC_PAGESIZE))) {
  void* const memory =
      mmap(nullptr, kReserved, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  base_ = static_cast<std::byte*>(memory);
#if defined(PKEY_DISABLE_ACCESS)
  key_ = pkey_alloc(0, PKEY_DISABLE_ACCESS);
#endif
  has_guards_ = madvise(base_ + kReserved - page_, page_, kInstallGuard) == 0;
  explain_segfaults();
}

std::byte* DeviceMemory::take_pages(size_t bytes) {
  if (taken_ + bytes + page_ <= kReserved) {
    std::byte* const pages = base_ + taken_;
    taken_ += bytes + page_;
    return pages;
  }
  const auto hole = std::find_if(holes_.begin(), holes_.end(),
                                 [bytes](const Allocation& hole) { return hole.page_bytes >= bytes; });
  if (hole == holes_.end()) return nullptr;
  // Whatever the hole has more stays unused, and guards the end.
  std::byte* const pages = hole->pages;
  holes_.erase(hole);
  return pages;
}

void DeviceMemory::set_access(const Allocation& allocation, bool open) const {
#if defined(PKEY_DISABLE_ACCESS)
  if (key_ >= 0) {
    pkey_mprotect(allocation.pages, allocation.page_bytes, PROT_READ | PROT_WRITE, key_);
    return;
  }
#endif
  mprotect(allocation.pages, allocation.page_bytes, open ? PROT_READ | PROT_WRITE : PROT_NONE);
}

// A system call each for allocations that follow each other where only guards lie between them, else for each.
void DeviceMemory::set_access_of_all(bool open) const {
  for (auto entry = allocations_.begin(); entry != allocations_.end();) {
    Allocation run = entry->second;
    while (++entry != allocations_.end() && has_guards_ &&
           entry->second.pages == run.pages + run.page_bytes + page_) {
      run.page_bytes += page_ + entry->second.page_bytes;
    }
    set_access(run, open);
  }
}

// Runs `action` while one allocation is open: opening all of them takes more system calls.
template <typename Action>
void DeviceMemory::with_access(const Allocation& allocation, Action action) {
  if (key_ >= 0 || depth_ > 0) {
    const DeviceAccess access;
    action();
    return;
  }
  set_access(allocation, true);
  action();
  set_access(allocation, false);
}

void* DeviceMemory::allocate(size_t bytes) {
  const size_t limit = settings().total_memory;
  if (bytes > limit || used_ + round_up(bytes, kAlignment) > limit) return nullptr;
  Allocation allocation;
  allocation.bytes = bytes;
  allocation.page_bytes = round_up(round_up(bytes, kAlignment), page_);
  allocation.pages = take_pages(allocation.page_bytes);
  if (allocation.pages == nullptr) return nullptr;
  // At the end of its pages, so that what runs over meets the guard page.
  allocation.data = allocation.pages + allocation.page_bytes - round_up(bytes, kAlignment);
  allocations_[allocation.data] = allocation;
  used_ += round_up(bytes, kAlignment);
  peak_ = std::max(peak_, used_);

  if (has_guards_) madvise(allocation.pages + allocation.page_bytes, page_, kInstallGuard);
  if (key_ >= 0 || depth_ > 0) set_access(allocation, true);
  asan::unpoison(allocation.pages, allocation.page_bytes);
  with_access(allocation, [&allocation] {
    std::byte* const end = allocation.data + allocation.bytes;
    std::fill(allocation.pages, allocation.data, kCanary);
    if (!settings().idle) std::memset(allocation.data, settings().fill, allocation.bytes);
    std::fill(end, allocation.pages + allocation.page_bytes, kCanary);
  });
  asan::poison(allocation.pages, allocation.page_bytes);
  asan::unpoison(allocation.data, bytes);
  return allocation.data;
}

cudaError_t DeviceMemory::release(void* pointer) {
  const auto found = allocations_.find(static_cast<const std::byte*>(pointer));
  if (found == allocations_.end()) {
    return report(cudaErrorInvalidValue, "freed %p, which is not the start of a live allocation", pointer);
  }
  const Allocation allocation = found->second;
  bool intact = false;
  with_access(allocation, [&] { intact = canary_intact(allocation); });
  allocations_.erase(found);
  used_ -= round_up(allocation.bytes, kAlignment);
  asan::poison(allocation.pages, allocation.page_bytes);
  // Mapped anew, like the pages around: the kernel bounds the number of ranges with different properties.
  mmap(allocation.pages, allocation.page_bytes, PROT_NONE,
       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
  holes_.push_back(allocation);
  if (intact) return cudaSuccess;
  return report(cudaErrorIllegalAddress, "something wrote just outside of the allocation at %p (%zu bytes)",
                pointer, allocation.bytes);
}

const Allocation* DeviceMemory::nearest_below(const void* address) const {
  const auto next = allocations_.upper_bound(static_cast<const std::byte*>(address));
  return next == allocations_.begin() ? nullptr : &std::prev(next)->second;
}

const Allocation* DeviceMemory::find(const void* address) const {
  const Allocation* const allocation = nearest_below(address);
  if (allocation == nullptr) return nullptr;
  return static_cast<const std::byte*>(address) <= allocation->data + allocation->bytes ? allocation
                                                                                        : nullptr;
}

bool DeviceMemory::contains(const void* address, size_t bytes) const {
  const Allocation* const allocation = find(address);
  if (allocation == nullptr) return false;
  const auto before = static_cast<size_t>(static_cast<const std::byte*>(address) - allocation->data);
  return bytes <= allocation->bytes - before;
}

bool DeviceMemory::canary_intact(const Allocation& allocation) const {
  const std::byte* const end = allocation.pages + allocation.page_bytes;
  return all_canary(allocation.pages, allocation.data) && all_canary(allocation.data + allocation.bytes, end);
}

void DeviceMemory::open() {
  if (depth_++ > 0) return;
#if defined(PKEY_DISABLE_ACCESS)
  if (key_ >= 0) {
    pkey_set(key_, 0);
    return;
  }
#endif
  set_access_of_all(true);
}

void DeviceMemory::close() {
  if (--depth_ > 0) return;
#if defined(PKEY_DISABLE_ACCESS)
  if (key_ >= 0) {
    pkey_set(key_, PKEY_DISABLE_ACCESS);
    return;
  }
#endif
  set_access_of_all(false);
}

}  // namespace senet::sim
