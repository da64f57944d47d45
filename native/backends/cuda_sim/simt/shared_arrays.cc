#include "backends/cuda_sim/simt/shared_arrays.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>

#include "backends/cuda_sim/simt/sanitizers.h"
#include "backends/cuda_sim/simt/settings.h"

namespace senet::sim {

namespace {

constexpr size_t kGuardBytes = 64;
constexpr size_t kAlignment = 64;
constexpr size_t kRoomForGuards = size_t{16} << 10;

size_t round_up(size_t value, size_t step) {
  return (value + step - 1) / step * step;
}

// The race detector sees all blocks of a grid as running at once, so there the size must fit their number.
size_t memory_bytes(size_t dynamic_bytes) {
  const size_t dynamic = tsan::kEnabled ? dynamic_bytes : SharedArrays::kMaxTotal;
  return round_up(SharedArrays::kMaxStatic + dynamic + kRoomForGuards, kAlignment);
}

bool untouched(const std::byte* guard, size_t bytes) {
  const std::byte fill{settings().fill};
  for (size_t i = 0; i < bytes; ++i) {
    if (guard[i] != fill) return false;
  }
  return true;
}

}  // namespace

void SharedArrays::begin_grid(size_t dynamic_bytes) {
  dynamic_bytes_ = dynamic_bytes;
}

void SharedArrays::begin_block() {
  arrays_.clear();
  used_ = 0;
  static_bytes_ = 0;
  if (memory_ == nullptr) return;
  if (tsan::kEnabled) {
    retired_.push_back(memory_);
    memory_ = nullptr;
  } else {
    asan::poison(memory_, memory_bytes(dynamic_bytes_));
  }
}

std::byte* SharedArrays::memory() {
  if (memory_ == nullptr) {
    const size_t bytes = memory_bytes(dynamic_bytes_);
    memory_ = static_cast<std::byte*>(std::aligned_alloc(kAlignment, bytes));
    if (memory_ == nullptr) throw std::bad_alloc();
    asan::poison(memory_, bytes);
  }
  return memory_;
}

const SharedArrays::Array* SharedArrays::find(const void* declaration) const {
  for (const Array& array : arrays_) {
    if (array.declaration == declaration) return &array;
  }
  return nullptr;
}

const SharedArrays::Array* SharedArrays::add(const void* declaration, const char* name, size_t bytes,
                                             size_t alignment) {
  if (declaration != nullptr) static_bytes_ += bytes;
  const size_t start = round_up(used_ + kGuardBytes, std::max(alignment, size_t{16}));
  const size_t end = start + bytes + kGuardBytes;
  if (static_bytes_ > kMaxStatic || static_bytes_ + dynamic_bytes_ > kMaxTotal) return nullptr;
  if (end > memory_bytes(dynamic_bytes_)) return nullptr;
  std::byte* const data = memory() + start;
  asan::unpoison(memory_ + used_, end - used_);
  std::memset(memory_ + used_, settings().fill, end - used_);
  asan::poison(memory_ + used_, end - used_);
  asan::unpoison(data, bytes);
  arrays_.push_back({declaration, name, data, bytes});
  used_ = start + bytes;
  tsan::release(&tag_);
  return &arrays_.back();
}

const SharedArrays::Array* SharedArrays::damaged() {
  std::byte* guard = memory_;
  for (const Array& array : arrays_) {
    std::byte* const end = array.data + array.bytes;
    asan::unpoison(guard, static_cast<size_t>(end + kGuardBytes - guard));
    // What lies before the first array, or between two, is charged to the array before it.
    if (!untouched(guard, static_cast<size_t>(array.data - guard)))
      return guard == memory_ ? &array : &array - 1;
    if (!untouched(end, kGuardBytes)) return &array;
    guard = end;
  }
  return nullptr;
}

void SharedArrays::end_grid() {
  if (!tsan::kEnabled) return;
  for (std::byte* memory : retired_) std::free(memory);
  retired_.clear();
  std::free(memory_);
  memory_ = nullptr;
}

}  // namespace senet::sim
