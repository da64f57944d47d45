// The types a CUDA tensor's elements may be stored in. Arithmetic accumulates in 32-bit floats whatever the
// storage.
#pragma once

#include <cstddef>
#include <cstdint>

namespace senet::cuda {

enum class Storage : uint8_t { kFloat32, kFloat16, kBFloat16 };

constexpr size_t size_of(Storage storage) {
  return storage == Storage::kFloat32 ? 4 : 2;
}

}  // namespace senet::cuda
