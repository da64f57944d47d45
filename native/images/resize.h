// Resizing as Pillow does it, bit for bit, since that is what the known weights were trained and measured with.
#pragma once

#include <cstddef>
#include <cstdint>

namespace senet::images {

enum class Interpolation : uint8_t { kBilinear, kBicubic };

struct Resizing {
  int64_t width, height;        // of the image
  int64_t to_width, to_height;  // of the image in its new size
  // The part of that to compute.
  int64_t top, left, part_width, part_height;
  Interpolation interpolation;
};

// Throws Error(kArgument) unless the sizes fit each other and an image of so many bytes.
void check_resizing(const Resizing& resizing, size_t image_bytes);

// image [height, width, 3], part [part_height, part_width, 3]. From any thread.
void resize(const Resizing& resizing, const uint8_t* image, uint8_t* part);

}  // namespace senet::images
