// Shared memory of the running block: filled with the fill pattern, each array between guard bytes.
#pragma once

#include <cstddef>
#include <vector>

namespace senet::sim {

class SharedArrays {
 public:
  struct Array {
    const void* declaration;  // null: the dynamic memory
    const char* name;
    std::byte* data;
    size_t bytes;
  };

  static constexpr size_t kMaxStatic = size_t{48} << 10;
  static constexpr size_t kMaxTotal = size_t{227} << 10;

  void begin_grid(size_t dynamic_bytes);
  void begin_block();
  // Null if nothing was written past an array's ends, else the array.
  const Array* damaged();
  // No simulated thread runs any more.
  void end_grid();

  const Array* find(const void* declaration) const;
  // Adds an array; null if the block then has too much.
  const Array* add(const void* declaration, const char* name, size_t bytes, size_t alignment);
  size_t dynamic_bytes() const { return dynamic_bytes_; }
  size_t static_bytes() const { return static_bytes_; }
  // Released when an array has been filled.
  void* tag() { return &tag_; }

 private:
  std::byte* memory();

  std::vector<Array> arrays_;
  std::byte* memory_ = nullptr;
  std::vector<std::byte*>
      retired_;  // under the race detector each block has its own memory until the grid's end
  size_t used_ = 0;
  size_t static_bytes_ = 0;
  size_t dynamic_bytes_ = 0;
  char tag_ = 0;
};

}  // namespace senet::sim
