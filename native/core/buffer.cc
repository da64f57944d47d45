#include "core/buffer.h"

#include <sys/mman.h>
#include <unistd.h>

#include <string>
#include <utility>

#include "core/error.h"

namespace senet {

namespace {

// More than the machine has can never be used, but the kernel may promise it all the same and kill us later.
size_t physical_memory() {
  return static_cast<size_t>(sysconf(_SC_PHYS_PAGES)) * static_cast<size_t>(sysconf(_SC_PAGE_SIZE));
}

constexpr size_t kHugePage = size_t{2} << 20;

}  // namespace

Buffer::Buffer(size_t bytes, const char* purpose) : size_(bytes) {
  if (bytes == 0) return;
  void* memory = MAP_FAILED;
  if (bytes <= physical_memory()) {
    memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  }
  if (memory == MAP_FAILED) {
    size_ = 0;
    throw Error(ErrorCode::kOutOfMemory,
                "not enough memory: " + std::to_string(bytes) + " bytes for " + purpose);
  }
  // Only a hint: without huge pages everything works, a little slower.
  if (bytes >= kHugePage) madvise(memory, bytes, MADV_HUGEPAGE);
  data_ = static_cast<std::byte*>(memory);
}

Buffer::~Buffer() {
  if (data_ != nullptr) munmap(data_, size_);
}

Buffer::Buffer(Buffer&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

Buffer& Buffer::operator=(Buffer&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

}  // namespace senet
