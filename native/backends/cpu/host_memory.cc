#include "backends/cpu/host_memory.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstring>

#include "core/error.h"

namespace senet::cpu {

namespace {

// More than the machine has can never be used, but the kernel may promise it all the same and kill us later.
size_t physical_memory() {
  return static_cast<size_t>(sysconf(_SC_PHYS_PAGES)) * static_cast<size_t>(sysconf(_SC_PAGE_SIZE));
}

constexpr size_t kHugePage = size_t{2} << 20;

std::byte* map(size_t bytes, const std::string& purpose) {
  if (bytes == 0) return nullptr;
  void* memory = MAP_FAILED;
  if (bytes <= physical_memory()) {
    memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  }
  if (memory == MAP_FAILED) {
    throw Error(ErrorCode::kOutOfMemory,
                "not enough memory: " + std::to_string(bytes) + " bytes for " + purpose);
  }
  // Only a hint: without huge pages everything works, a little slower.
  if (bytes >= kHugePage) madvise(memory, bytes, MADV_HUGEPAGE);
  return static_cast<std::byte*>(memory);
}

void unmap(const Memory& memory) {
  if (memory.data() != nullptr) munmap(memory.data(), memory.size());
}

}  // namespace

HostMemory::HostMemory(size_t bytes, const std::string& purpose) : Memory(map(bytes, purpose), bytes) {}

HostMemory::~HostMemory() {
  unmap(*this);
}

HostStaging::HostStaging(size_t bytes) : Staging(map(bytes, "the inputs of a run"), bytes) {}

HostStaging::~HostStaging() {
  unmap(*this);
}

void HostStaging::deliver(std::byte* to, size_t offset, size_t bytes) {
  if (bytes > 0) std::memcpy(to, data() + offset, bytes);
}

}  // namespace senet::cpu
