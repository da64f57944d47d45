// Ops between maps and values of their channels: multiply, its reduction, global pools, bias, the convolution
// epilogue, copies of channels, shuffle, flatten, pixels and weights.
#include <algorithm>
#include <array>

#include "kernel_test.h"

namespace senet::cuda::test {
namespace {

template <typename Body>
void for_each_map(const Body& body) {
  for_each_storage([&](auto tag) {
    for (const MapSize& size : awkward_maps()) {
      for (int64_t misaligned : {0, 1}) {
        in_case(storage_name<decltype(tag)>(), size.images, size.positions, size.channels, "misaligned",
                misaligned);
        body(tag, size, misaligned);
      }
    }
  });
}

// Index of (n,c) for element i.
int64_t vector_index(const MapSize& size, int64_t i) {
  return i / (size.positions * size.channels) * size.channels + i % size.channels;
}

double root(int64_t count) {
  return std::sqrt(static_cast<double>(count));
}

}  // namespace

KERNEL_TEST(multiply_channels) {
  for_each_map([](auto tag, const MapSize& size, int64_t misaligned) {
    using T = decltype(tag);
    Random random(size.elements());
    const auto a = random_values<T>(size.elements(), random), b = random_values<T>(size.elements(), random);
    const auto s = random_values<float>(size.images * size.channels, random);
    const DeviceArray<T> a_(a.stored, misaligned), b_(b.stored), y(size.elements());
    const DeviceArray<float> s_(s.stored), sums(size.images * size.channels),
        workspace(floats_for(multiply_reduce_workspace_bytes(size)));
    multiply_channels<T>(a_, s_, y, size, stream());
    multiply_reduce<T>(a_, b_, sums, size, workspace, stream());
    std::vector<double> want(size.elements()), reduced(size.images * size.channels, 0);
    for (int64_t i = 0; i < size.elements(); ++i) {
      want[i] = a.exact[i] * s.exact[vector_index(size, i)];
      reduced[vector_index(size, i)] += a.exact[i] * b.exact[i];
    }
    expect_close("y", y, want, {1, 0});
    expect_close("sums", sums, reduced, {4 * root(size.positions), root(size.positions)});
  });
}

KERNEL_TEST(global_avg_pool) {
  for_each_map([](auto tag, const MapSize& size, int64_t misaligned) {
    using T = decltype(tag);
    Random random(size.elements());
    const auto x = random_values<T>(size.elements(), random, 0, 2);
    const auto dy = random_values<float>(size.images * size.channels, random);
    const DeviceArray<T> x_(x.stored, misaligned), dx(size.elements(), misaligned);
    const DeviceArray<float> dy_(dy.stored), y(size.images * size.channels),
        workspace(floats_for(global_avg_pool_forward_workspace_bytes(size)));
    global_avg_pool_forward<T>(x_, y, size, workspace, stream());
    global_avg_pool_backward<T>(dy_, dx, size, stream());
    std::vector<double> means(size.images * size.channels, 0), shares(size.elements());
    for (int64_t i = 0; i < size.elements(); ++i) {
      means[vector_index(size, i)] += x.exact[i] / static_cast<double>(size.positions);
      shares[i] = dy.exact[vector_index(size, i)] / static_cast<double>(size.positions);
    }
    expect_close("y", y, means, {2 * root(size.positions) + 4, 1});
    expect_close("dx", dx, shares, {4, 0});
  });
}

KERNEL_TEST(mean_of_sums) {
  for_each_map([](auto tag, const MapSize& size, int64_t misaligned) {
    if (!std::is_same_v<decltype(tag), float>) return;
    const int64_t count = size.images * size.channels;
    Random random(count);
    const auto sums = random_values<float>(count, random, 0, 2);
    const DeviceArray<float> sums_(sums.stored, misaligned), y(count, misaligned),
        workspace(floats_for(mean_of_sums_workspace_bytes(size)));
    mean_of_sums(sums_, y, size, workspace, stream());
    std::vector<double> means;
    for (double sum : sums.exact) means.push_back(sum / static_cast<double>(size.positions));
    expect_close("y", y, means, {4, 0});
  });
}

KERNEL_TEST(global_max_pool) {
  for_each_map([](auto tag, const MapSize& size, int64_t misaligned) {
    using T = decltype(tag);
    Random random(size.elements());
    std::vector<T> x;
    // Few different values make ties; one NaN in the last channel of the last image.
    for (int64_t i = 0; i < size.elements(); ++i)
      x.push_back(from_double<T>(static_cast<double>(random.below(5)) - 9));
    if (size.positions > 2) {
      x[size.elements() - size.channels - 1] = from_double<T>(std::numeric_limits<double>::quiet_NaN());
    }
    const int64_t vectors = size.images * size.channels;
    const auto dy = random_values<float>(vectors, random);
    const DeviceArray<T> x_(x, misaligned), dx(size.elements(), misaligned);
    const DeviceArray<float> dy_(dy.stored), y(vectors);
    const DeviceArray<int32_t> index(vectors);
    global_max_pool_forward<T>(x_, y, index, size, stream());
    global_max_pool_backward<T>(dy_, index, dx, size, stream());
    std::vector<double> best(vectors), gradient(size.elements(), 0);
    std::vector<int32_t> places(vectors);
    for (int64_t i = 0; i < size.elements(); ++i) {
      const int64_t at = vector_index(size, i), position = i / size.channels % size.positions;
      const double value = to_double(x[i]);
      if (position != 0 && !(value > best[at] || std::isnan(value))) continue;
      best[at] = value;
      places[at] = static_cast<int32_t>(position);
    }
    for (int64_t i = 0; i < size.elements(); ++i) {
      const int64_t at = vector_index(size, i);
      if (places[at] == i / size.channels % size.positions) gradient[i] = dy.exact[at];
    }
    expect_close("y", y, best, {0, 0});
    expect_equal("index", index, places);
    expect_close("dx", dx, gradient, {0, 0});
    global_max_pool_forward<T>(x_, y, nullptr, size, stream());
    expect_close("y without index", y, best, {0, 0});
  });
}

KERNEL_TEST(bias) {
  for_each_map([](auto tag, const MapSize& size, int64_t misaligned) {
    using T = decltype(tag);
    Random random(size.elements());
    const auto x = random_values<T>(size.elements(), random),
               residual = random_values<T>(size.elements(), random);
    const auto shift = random_values<float>(size.channels, random);
    const auto gate = random_values<float>(size.images * size.channels, random);
    const DeviceArray<T> x_(x.stored, misaligned), residual_(residual.stored), y(size.elements()),
        z(size.elements());
    const DeviceArray<float> shift_(shift.stored), gate_(gate.stored), sums(size.channels),
        workspace(floats_for(bias_backward_workspace_bytes(size)));
    bias_forward<T>(x_, shift_, true, y, size, stream());
    bias_backward<T>(x_, sums, size, workspace, stream());
    conv2d_epilogue<T>(x_, shift_, gate_, residual_, true, z, size, stream());
    std::vector<double> want(size.elements()), epilogue(size.elements()), total(size.channels, 0);
    for (int64_t i = 0; i < size.elements(); ++i) {
      const double shifted = x.exact[i] + shift.exact[i % size.channels];
      want[i] = std::max(shifted, 0.0);
      epilogue[i] = std::max(shifted * gate.exact[vector_index(size, i)] + residual.exact[i], 0.0);
      total[i % size.channels] += x.exact[i];
    }
    expect_close("y", y, want, {1, 1});
    expect_close("epilogue", z, epilogue, {4, 1});
    const double rows = root(size.images * size.positions);
    expect_close("dbias", sums, total, {2 * rows + 2, rows});
    conv2d_epilogue<T>(x_, nullptr, nullptr, nullptr, false, x_, size, stream());
    expect_equal("nothing to do", x_, x.stored);
  });
}

KERNEL_TEST(channels) {
  for_each_map([](auto tag, const MapSize& size, int64_t misaligned) {
    using T = decltype(tag);
    const int64_t rows = size.images * size.positions, channels = size.channels, total = 2 * channels + 8;
    Random random(size.elements());
    const auto a = random_values<T>(rows * channels, random), b = random_values<T>(rows * 8, random);
    const DeviceArray<T> a_(a.stored, misaligned), b_(b.stored), joined(rows * total);
    const T* parts[3] = {a_, b_, a_};
    const int64_t widths[3] = {channels, 8, channels};
    concat<T>(parts, widths, 3, joined, rows, stream());
    std::vector<T> want(rows * total);
    for (int64_t i = 0; i < rows * total; ++i) {
      const int64_t row = i / total, c = i % total;
      if (c < channels)
        want[i] = a.stored[row * channels + c];
      else if (c < channels + 8)
        want[i] = b.stored[row * 8 + c - channels];
      else
        want[i] = a.stored[row * channels + c - channels - 8];
    }
    expect_equal("concat", joined, want);

    const DeviceArray<T> slice(rows * 8), back(rows * total);
    channel_slice_forward<T>(joined, slice, rows, total, channels, channels + 8, stream());
    expect_equal("slice", slice, b.stored);
    channel_slice_backward<T>(slice, back, rows, total, channels, channels + 8, stream());
    for (int64_t i = 0; i < rows * total; ++i) {
      if (i % total < channels || i % total >= channels + 8) want[i] = from_double<T>(0);
    }
    expect_equal("slice gradient", back, want);

    const int64_t groups = channels % 2 == 0 ? 2 : channels;
    const DeviceArray<T> shuffled(rows * channels);
    channel_shuffle<T>(a_, shuffled, rows, channels, groups, stream());
    std::vector<T> mixed(rows * channels);
    for (int64_t i = 0; i < rows * channels; ++i) {
      const int64_t c = i % channels;
      mixed[i] = a.stored[i - c + c % groups * (channels / groups) + c / groups];
    }
    expect_equal("shuffle", shuffled, mixed);
  });
}

KERNEL_TEST(pad) {
  for_each_storage([](auto tag) {
    using T = decltype(tag);
    for (int64_t channels : {1, 8, 12, 40}) {
      for (const auto& [top, left, rows, columns] :
           {std::array<int64_t, 4>{1, 1, 7, 5}, {-1, -2, 4, 9}, {2, 0, 12, 5}, {-7, 9, 3, 8}}) {
        for (int64_t misaligned : {0, 1}) {
          in_case(storage_name<T>(), channels, top, left, rows, columns, "misaligned", misaligned);
          const int64_t images = 2, height = 7, width = 5;
          Random random(channels);
          const auto x = random_values<T>(images * height * width * channels, random);
          const DeviceArray<T> x_(x.stored, misaligned), y(images * rows * columns * channels);
          pad<T>(x_, y, {images, channels, {height, rows, top}, {width, columns, left}}, stream());
          std::vector<T> want(images * rows * columns * channels, from_double<T>(0));
          for (size_t i = 0; i < x.stored.size(); ++i) {
            const int64_t c = i % channels, position = i / channels, column = position % width + left,
                          row = position / width % height + top, n = position / (width * height);
            if (row < 0 || row >= rows || column < 0 || column >= columns) continue;
            want[((n * rows + row) * columns + column) * channels + c] = x.stored[i];
          }
          expect_equal("y", y, want);
        }
      }
    }
  });
}

KERNEL_TEST(flatten) {
  for_each_map([](auto tag, const MapSize& size, int64_t misaligned) {
    using T = decltype(tag);
    Random random(size.elements());
    const auto x = random_values<T>(size.elements(), random);
    const DeviceArray<T> x_(x.stored, misaligned), back(size.elements());
    const DeviceArray<float> y(size.elements());
    flatten<T>(x_, y, size, stream());
    std::vector<float> want(size.elements());
    for (int64_t i = 0; i < size.elements(); ++i) {
      const int64_t image = size.positions * size.channels, n = i / image, c = i % size.channels;
      want[n * image + c * size.positions + i / size.channels % size.positions] =
          static_cast<float>(x.exact[i]);
    }
    expect_equal("y", y, want);
    unflatten<T>(y, back, size, stream());
    expect_equal("back", back, x.stored);
  });
}

KERNEL_TEST(weights) {
  for_each_storage([](auto tag) {
    using T = decltype(tag);
    for (const WeightSize& size : {WeightSize{1, 1, 1, 1}, {8, 3, 49, 4}, {16, 16, 9, 16}, {5, 7, 9, 8}}) {
      in_case(storage_name<T>(), size.outputs, size.inputs, size.positions, size.padded_inputs);
      Random random(size.outputs);
      const auto weight = random_values<float>(size.outputs * size.inputs * size.positions, random);
      const int64_t packed_count = size.outputs * size.positions * size.padded_inputs;
      const DeviceArray<float> weight_(weight.stored), gradient(static_cast<int64_t>(weight.stored.size()));
      const DeviceArray<T> packed(packed_count);
      pack_weight<T>(weight_, packed, size, stream());
      unpack_weight_gradient<T>(packed, gradient, size, stream());
      std::vector<T> want(packed_count, from_double<T>(0));
      std::vector<float> back(weight.stored.size());
      for (size_t i = 0; i < weight.stored.size(); ++i) {
        const int64_t position = i % size.positions, c = i / size.positions % size.inputs,
                      k = i / (size.positions * size.inputs);
        const T value = from_double<T>(weight.exact[i]);
        want[(k * size.positions + position) * size.padded_inputs + c] = value;
        back[i] = static_cast<float>(to_double(value));
      }
      expect_equal("packed", packed, want);
      expect_equal("gradient", gradient, back);
    }
  });
}

KERNEL_TEST(normalise_pixels) {
  for_each_storage([](auto tag) {
    using T = decltype(tag);
    for (const int64_t channels : {1, 3, 4, 33}) {
      const int64_t rows = 301;
      in_case(storage_name<T>(), channels);
      Random random(channels);
      std::vector<uint8_t> pixels;
      for (int64_t i = 0; i < rows * channels; ++i) pixels.push_back(static_cast<uint8_t>(random.below(256)));
      const auto table = random_values<float>(256 * channels, random);
      const DeviceArray<uint8_t> pixels_(pixels);
      const DeviceArray<float> table_(table.stored);
      const DeviceArray<T> y(rows * channels);
      normalise_pixels<T>(pixels_, table_, y, rows * channels, channels, stream());
      std::vector<T> want(rows * channels);
      for (int64_t i = 0; i < rows * channels; ++i) {
        want[i] = from_double<T>(table.exact[256 * (i % channels) + pixels[i]]);
      }
      expect_equal("y", y, want);
    }
  });
}

}  // namespace senet::cuda::test
