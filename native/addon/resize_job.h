// Resizing an image on libuv's threads.
#pragma once

#include <napi.h>

#include <cstddef>
#include <span>

namespace senet::addon {

// A promise of an ArrayBuffer. `bytes` are those of `image`, which is held until then; `sizes` are lib/native.ts's
// Resizing. Throws Error (kArgument) for sizes that do not fit.
Napi::Value resize_on_pool(const Napi::Object& image, std::span<const std::byte> bytes,
                           const Napi::Object& sizes);

}  // namespace senet::addon
