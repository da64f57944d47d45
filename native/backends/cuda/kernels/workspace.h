// Hands out arrays of one block of memory. With a null block it only measures, so that the same function lays
// out a workspace and tells its size.
#pragma once

#include <cstddef>
#include <cstdint>

namespace senet::cuda {

class Workspace {
 public:
  explicit Workspace(void* base) : base_(static_cast<std::byte*>(base)) {}

  // count floats at a multiple of 64 bytes from the start; null while measuring.
  float* floats(int64_t count) {
    float* result = base_ == nullptr ? nullptr : reinterpret_cast<float*>(base_ + bytes_);
    bytes_ += (static_cast<size_t>(count) * sizeof(float) + 63) / 64 * 64;
    return result;
  }
  // `given` if it is there, else count floats.
  float* floats_unless(float* given, int64_t count) { return given != nullptr ? given : floats(count); }
  size_t bytes() const { return bytes_; }

 private:
  std::byte* base_;
  size_t bytes_ = 0;
};

}  // namespace senet::cuda
