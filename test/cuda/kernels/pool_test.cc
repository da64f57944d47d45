// max_pool, avg_pool and their gradients: strides, paddings, windows that run over the padding, ties and
// NaNs.
#include <algorithm>

#include "kernel_test.h"

namespace senet::cuda::test {
namespace {

PoolAxis axis(int32_t input, int32_t kernel, int32_t stride, int32_t before, int32_t after, bool ceil) {
  const int32_t span = input + before + after - kernel;
  int32_t output = (ceil ? (span + stride - 1) / stride : span / stride) + 1;
  if (ceil && (output - 1) * stride >= input + before) --output;
  return {input, output, kernel, stride, before, after};
}

std::vector<PoolSize> pool_sizes() {
  std::vector<PoolSize> sizes;
  for (int64_t channels : {1, 8, 12, 40}) {
    sizes.push_back({2, channels, axis(7, 3, 2, 1, 1, false), axis(9, 3, 2, 1, 1, false)});
    sizes.push_back({1, channels, axis(6, 2, 2, 0, 0, false), axis(5, 2, 2, 0, 0, true)});
    sizes.push_back({3, channels, axis(1, 1, 1, 0, 0, false), axis(4, 3, 1, 2, 0, false)});
    sizes.push_back({1, channels, axis(8, 3, 3, 1, 2, true), axis(8, 5, 1, 2, 2, false)});
  }
  return sizes;
}

// body(index of y, index of x, place in the window) for each cell of each window that lies in the input.
template <typename Body>
void for_each_cell(const PoolSize& size, const Body& body) {
  const auto& [images, channels, rows, columns] = size;
  for (int64_t n = 0; n < images; ++n) {
    for (int32_t oh = 0; oh < rows.output; ++oh) {
      for (int32_t ow = 0; ow < columns.output; ++ow) {
        for (int32_t kh = 0; kh < rows.kernel; ++kh) {
          for (int32_t kw = 0; kw < columns.kernel; ++kw) {
            const int32_t h = oh * rows.stride - rows.before + kh,
                          w = ow * columns.stride - columns.before + kw;
            if (h < 0 || h >= rows.input || w < 0 || w >= columns.input) continue;
            for (int64_t c = 0; c < channels; ++c) {
              body(((n * rows.output + oh) * columns.output + ow) * channels + c,
                   ((n * rows.input + h) * columns.input + w) * channels + c, kh * columns.kernel + kw);
            }
          }
        }
      }
    }
  }
}

int64_t input_elements(const PoolSize& size) {
  return size.images * size.rows.input * size.columns.input * size.channels;
}
int64_t output_elements(const PoolSize& size) {
  return size.images * size.rows.output * size.columns.output * size.channels;
}

template <typename Body>
void for_each_pool(const Body& body) {
  for_each_storage([&](auto tag) {
    for (const PoolSize& size : pool_sizes()) {
      for (int64_t misaligned : {0, 1}) {
        in_case(storage_name<decltype(tag)>(), size.images, size.rows.input, size.columns.input,
                size.channels, "kernel", size.rows.kernel, size.columns.kernel, "misaligned", misaligned);
        body(tag, size, misaligned);
      }
    }
  });
}

// Cells of the windows of one axis that count for the average.
int32_t counted(const PoolAxis& a, int32_t o, bool padding) {
  const int32_t start = o * a.stride - a.before;
  if (padding) return std::min(start + a.kernel, a.input + a.after) - start;
  return std::min(start + a.kernel, a.input) - std::max(start, 0);
}

}  // namespace

KERNEL_TEST(max_pool) {
  for_each_pool([](auto tag, const PoolSize& size, int64_t misaligned) {
    using T = decltype(tag);
    Random random(input_elements(size));
    std::vector<T> x;
    for (int64_t i = 0; i < input_elements(size); ++i) {
      const bool nan = random.below(40) == 0;
      x.push_back(from_double<T>(nan ? std::numeric_limits<double>::quiet_NaN()
                                     : static_cast<double>(random.below(6)) - 9));
    }
    const auto dy = random_values<T>(output_elements(size), random);
    std::vector<double> want(output_elements(size), -INFINITY), gradient(input_elements(size), 0);
    std::vector<uint8_t> places(output_elements(size), 0);
    std::vector<char> seen(output_elements(size), 0);
    for_each_cell(size, [&](int64_t yi, int64_t xi, int32_t place) {
      const double value = to_double(x[xi]);
      if (seen[yi] && !(value > want[yi] || std::isnan(value))) return;
      seen[yi] = 1;
      want[yi] = value;
      places[yi] = static_cast<uint8_t>(place);
    });
    for_each_cell(size, [&](int64_t yi, int64_t xi, int32_t place) {
      if (places[yi] == place) gradient[xi] += dy.exact[yi];
    });
    const DeviceArray<T> x_(x, misaligned), y(output_elements(size)), dy_(dy.stored, misaligned),
        dx(input_elements(size));
    const DeviceArray<uint8_t> index(output_elements(size));
    max_pool_forward<T>(x_, y, index, size, stream());
    max_pool_backward<T>(dy_, index, dx, size, stream());
    expect_close("y", y, want, {0, 0});
    expect_equal("index", index, places);
    expect_close("dx", dx, gradient, {8, 1});
    max_pool_forward<T>(x_, y, nullptr, size, stream());
    expect_close("y without index", y, want, {0, 0});
  });
}

KERNEL_TEST(avg_pool) {
  for_each_pool([](auto tag, const PoolSize& size, int64_t misaligned) {
    using T = decltype(tag);
    for (bool padding : {false, true}) {
      Random random(input_elements(size));
      const auto x = random_values<T>(input_elements(size), random);
      const auto dy = random_values<T>(output_elements(size), random);
      std::vector<double> want(output_elements(size), 0), gradient(input_elements(size), 0);
      for_each_cell(size, [&](int64_t yi, int64_t xi, int32_t) {
        const auto row = static_cast<int32_t>(yi / size.channels / size.columns.output % size.rows.output);
        const auto column = static_cast<int32_t>(yi / size.channels % size.columns.output);
        const double cells = counted(size.rows, row, padding) * counted(size.columns, column, padding);
        want[yi] += x.exact[xi] / cells;
        gradient[xi] += dy.exact[yi] / cells;
      });
      const DeviceArray<T> x_(x.stored, misaligned), y(output_elements(size)), dy_(dy.stored),
          dx(input_elements(size));
      avg_pool_forward<T>(x_, y, size, padding, stream());
      avg_pool_backward<T>(dy_, dx, size, padding, stream());
      expect_close("y", y, want, {16, 1});
      expect_close("dx", dx, gradient, {16, 1});
    }
  });
}

}  // namespace senet::cuda::test
