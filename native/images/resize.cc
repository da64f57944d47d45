// The image is filtered along rows, rounded to bytes, then along columns. An output pixel is a weighted mean of the input
// pixels around it; where the image shrinks, the filter widens with it, which is what keeps out moire. Weights are
// computed in double, rounded to fixed point, and summed in 32 bits; built without contraction to fused multiply-adds,
// which would round the weights differently.
#include "images/resize.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "core/error.h"

namespace senet::images {

namespace {

// Sums of a byte times weights stay within 31 bits.
constexpr int kWeightBits = 22;
constexpr int32_t kHalf = 1 << (kWeightBits - 1);
constexpr int64_t kLongestSide = int64_t{1} << 24;

// Red, green, blue and the next pixel's red.
typedef int32_t Pixel __attribute__((vector_size(16)));

double support_of(Interpolation interpolation) {
  return interpolation == Interpolation::kBilinear ? 1 : 2;
}

// The triangle, or Keys' cubic with a = -1/2.
double weight_at(Interpolation interpolation, double signed_x) {
  const double x = std::abs(signed_x);
  if (interpolation == Interpolation::kBilinear) return std::max(0.0, 1 - x);
  if (x < 1) return (1.5 * x - 2.5) * x * x + 1;
  return x < 2 ? -0.5 * (((x - 5) * x + 8) * x - 4) : 0;
}

// For some output positions the first input position, how many there are, and their weights.
struct Taps {
  std::vector<int64_t> first, count;
  std::vector<int32_t> weights;  // [output positions, most]
  int64_t most;                  // of the counts, or a little more
};

// Of the output positions [start, start + size) out of `to`.
Taps taps_of(int64_t from, int64_t to, Interpolation interpolation, int64_t start, int64_t size) {
  const double scale = static_cast<double>(from) / static_cast<double>(to);
  const double widening = std::max(scale, 1.0);
  const double reach = support_of(interpolation) * widening;
  Taps taps;
  taps.most = static_cast<int64_t>(2 * reach) + 1;
  taps.weights.resize(static_cast<size_t>(size * taps.most));
  std::vector<double> values;
  for (int64_t i = 0; i < size; ++i) {
    const double center = (static_cast<double>(start + i) + 0.5) * scale;
    const int64_t first = std::max<int64_t>(0, static_cast<int64_t>(std::trunc(center - reach + 0.5)));
    const int64_t end = std::min<int64_t>(from, static_cast<int64_t>(std::trunc(center + reach + 0.5)));
    values.clear();
    double sum = 0;
    for (int64_t at = first; at < end; ++at) {
      values.push_back(weight_at(interpolation, (static_cast<double>(at) - center + 0.5) * (1 / widening)));
      sum += values.back();
    }
    taps.first.push_back(first);
    taps.count.push_back(end - first);
    int32_t* weights = &taps.weights[static_cast<size_t>(i * taps.most)];
    for (const double value : values) {
      const double fixed = value / sum * (1 << kWeightBits);
      *weights++ = static_cast<int32_t>(fixed < 0 ? fixed - 0.5 : fixed + 0.5);
    }
  }
  return taps;
}

void to_bytes(const int32_t* __restrict sums, int64_t length, uint8_t* __restrict out) {
  for (int64_t i = 0; i < length; ++i) {
    out[i] = static_cast<uint8_t>(std::clamp(sums[i] >> kWeightBits, 0, 255));
  }
}

// Filters a row along itself. wide: room for the pixels of `columns` and of as many as there are taps; sums: for those
// of the result and a number more.
void filter_along(const uint8_t* row, int64_t columns, const Taps& taps, int32_t* __restrict wide,
                  int32_t* __restrict sums, uint8_t* out) {
  std::copy_n(row, 3 * columns, wide);
  const auto size = static_cast<int64_t>(taps.first.size());
  const int32_t* weights = taps.weights.data();
  for (int64_t x = 0; x < size; ++x, weights += taps.most) {
    const int32_t* from = wide + 3 * (taps.first[x] - taps.first[0]);
    Pixel sum = {kHalf, kHalf, kHalf, kHalf};
    // One number of taps for all positions makes a loop that is easy to predict; the last ones may have weight 0.
    for (int64_t k = 0; k < taps.most; ++k) {
      Pixel pixel;
      std::memcpy(&pixel, from + 3 * k, sizeof pixel);
      sum += pixel * weights[k];
    }
    std::memcpy(sums + 3 * x, &sum, sizeof sum);
  }
  to_bytes(sums, 3 * size, out);
}

// Filters a row of the output from whole rows of the input, which reads memory in order.
void filter_across(const uint8_t* rows, int64_t length, const int32_t* weights, int64_t count,
                   int32_t* __restrict sums, uint8_t* out) {
  std::fill_n(sums, length, kHalf);
  for (int64_t k = 0; k < count; ++k, rows += length) {
    for (int64_t i = 0; i < length; ++i) sums[i] += rows[i] * weights[k];
  }
  to_bytes(sums, length, out);
}

// Rows [top, bottom) of the image, in the new width: the columns of the part.
std::vector<uint8_t> filter_rows(const Resizing& r, const uint8_t* image, int64_t top, int64_t bottom) {
  const int64_t length = 3 * r.part_width;
  std::vector<uint8_t> rows(static_cast<size_t>((bottom - top) * length));
  if (r.to_width == r.width) {
    for (int64_t y = top; y < bottom; ++y) {
      std::memcpy(&rows[(y - top) * length], image + (y * r.width + r.left) * 3, length);
    }
    return rows;
  }
  const Taps taps = taps_of(r.width, r.to_width, r.interpolation, r.left, r.part_width);
  const int64_t left = taps.first.front(), columns = taps.first.back() + taps.count.back() - left;
  std::vector<int32_t> wide(static_cast<size_t>(3 * (columns + taps.most)));
  std::vector<int32_t> sums(static_cast<size_t>(length + 1));
  for (int64_t y = top; y < bottom; ++y) {
    filter_along(image + (y * r.width + left) * 3, columns, taps, wide.data(), sums.data(),
                 &rows[(y - top) * length]);
  }
  return rows;
}

}  // namespace

void check_resizing(const Resizing& r, size_t image_bytes) {
  for (int64_t side : {r.width, r.height, r.to_width, r.to_height, r.part_width, r.part_height}) {
    if (side < 1 || side > kLongestSide) {
      throw Error(ErrorCode::kArgument, "resizing: expected sides from 1 to " + std::to_string(kLongestSide) +
                                            ", received " + std::to_string(side));
    }
  }
  if (static_cast<int64_t>(image_bytes) != r.height * r.width * 3) {
    throw Error(ErrorCode::kArgument, "resizing: expected " + std::to_string(r.height * r.width * 3) +
                                          " bytes of " + std::to_string(r.height) + " x " +
                                          std::to_string(r.width) + " x 3, received " +
                                          std::to_string(image_bytes));
  }
  const auto inside = [](int64_t start, int64_t size, int64_t all) {
    return start >= 0 && start <= all - size;
  };
  if (!inside(r.top, r.part_height, r.to_height) || !inside(r.left, r.part_width, r.to_width)) {
    throw Error(ErrorCode::kArgument, "resizing: expected a part inside the image in its new size");
  }
}

void resize(const Resizing& r, const uint8_t* image, uint8_t* part) {
  const int64_t length = 3 * r.part_width;
  if (r.to_height == r.height) {
    const std::vector<uint8_t> rows = filter_rows(r, image, r.top, r.top + r.part_height);
    std::memcpy(part, rows.data(), rows.size());
    return;
  }
  const Taps taps = taps_of(r.height, r.to_height, r.interpolation, r.top, r.part_height);
  const int64_t top = taps.first.front();
  const std::vector<uint8_t> rows = filter_rows(r, image, top, taps.first.back() + taps.count.back());
  std::vector<int32_t> sums(static_cast<size_t>(length));
  for (int64_t y = 0; y < r.part_height; ++y) {
    filter_across(&rows[(taps.first[y] - top) * length], length, &taps.weights[y * taps.most], taps.count[y],
                  sums.data(), part + y * length);
  }
}

}  // namespace senet::images
