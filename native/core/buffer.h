// Memory straight from the operating system: page-aligned, zeroed, in huge pages where the kernel grants
// them.
#pragma once

#include <cstddef>

namespace senet {

class Buffer {
 public:
  Buffer() = default;
  // Throws Error(kOutOfMemory) naming the bytes and `purpose`.
  Buffer(size_t bytes, const char* purpose);
  ~Buffer();
  Buffer(Buffer&& other) noexcept;
  Buffer& operator=(Buffer&& other) noexcept;
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;

  std::byte* data() const { return data_; }
  size_t size() const { return size_; }

 private:
  std::byte* data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace senet
