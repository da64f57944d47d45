// Functions of single elements: add, multiply, activation, fill, dropout, scale, shake, convert; lengths
// around a vector and a block.
#include "excitation_reference.h"

namespace senet::cuda::test {
namespace {

// (elements, elements by which arrays miss a multiple of 16 bytes)
const std::vector<std::pair<int64_t, int64_t>> kLengths = {
    {1, 0}, {3, 0}, {4, 0}, {8, 0}, {9, 1}, {31, 0}, {256, 0}, {2051, 0}, {2051, 1}, {5000, 0}};

template <typename Case>
void for_each_length(const Case& body) {
  for_each_storage([&](auto tag) {
    for (const auto& [count, misaligned] : kLengths) {
      in_case(storage_name<decltype(tag)>(), count, "misaligned", misaligned);
      body(tag, count, misaligned);
    }
  });
}

// The generator as its paper writes it, one counter at a time.
void philox_reference(uint64_t counter, uint32_t stream_id, const int32_t* key, uint32_t words[4]) {
  uint32_t c[4] = {static_cast<uint32_t>(counter), static_cast<uint32_t>(counter >> 32), stream_id, 0};
  uint32_t k[2] = {static_cast<uint32_t>(key[0]), static_cast<uint32_t>(key[1])};
  for (int round = 0; round < 10; ++round) {
    const uint64_t left = uint64_t{0xD2511F53u} * c[0], right = uint64_t{0xCD9E8D57u} * c[2];
    const uint32_t next[4] = {static_cast<uint32_t>(right >> 32) ^ c[1] ^ k[0], static_cast<uint32_t>(right),
                              static_cast<uint32_t>(left >> 32) ^ c[3] ^ k[1], static_cast<uint32_t>(left)};
    std::memcpy(c, next, sizeof c);
    k[0] += 0x9E3779B9u;
    k[1] += 0xBB67AE85u;
  }
  std::memcpy(words, c, sizeof c);
}

}  // namespace

KERNEL_TEST(add_and_multiply) {
  for_each_length([](auto tag, int64_t count, int64_t misaligned) {
    using T = decltype(tag);
    Random random(count);
    const auto a = random_values<T>(count, random), b = random_values<T>(count, random);
    const DeviceArray<T> a_(a.stored, misaligned), b_(b.stored), sum(count), product(count);
    std::vector<double> sums(count), products(count);
    for (int64_t i = 0; i < count; ++i) {
      sums[i] = a.exact[i] + b.exact[i];
      products[i] = a.exact[i] * b.exact[i];
    }
    add<T>(a_, b_, sum, count, stream());
    multiply<T>(a_, b_, product, count, stream());
    expect_close("add", sum, sums, {1, 0});
    expect_close("multiply", product, products, {1, 0});
    add<T>(a_, b_, a_, count, stream());
    expect_close("add in place", a_, sums, {1, 0});
  });
}

KERNEL_TEST(activation) {
  for_each_length([](auto tag, int64_t count, int64_t misaligned) {
    using T = decltype(tag);
    for (Activation kind :
         {Activation::kSigmoid, Activation::kTanh, Activation::kRelu, Activation::kHardSigmoid,
          Activation::kRelu6, Activation::kSilu, Activation::kHardSwish}) {
      Random random(count);
      auto x = random_values<T>(count, random, -6, 6);
      const auto dy = random_values<T>(count, random);
      const double special[3] = {std::numeric_limits<double>::quiet_NaN(), 40000, -40000};
      for (int64_t i = 0; i < 3 && i + 1 < count; ++i) {
        x.stored[i] = from_double<T>(special[i]);
        x.exact[i] = to_double(x.stored[i]);
      }
      const DeviceArray<T> x_(x.stored, misaligned), dy_(dy.stored), y(count), dx(count);
      std::vector<double> want(count), slopes(count);
      for (int64_t i = 0; i < count; ++i) {
        want[i] = std::isnan(x.exact[i]) ? x.exact[i] : activate(kind, x.exact[i]);
      }
      activation_forward<T>(kind, x_, y, count, stream());
      expect_close("y", y, want, {16, 0});
      const DeviceArray<T>& saved = needs_argument(kind) ? x_ : y;
      const std::vector<T> values = saved.download();
      for (int64_t i = 0; i < count; ++i) slopes[i] = dy.exact[i] * slope(kind, to_double(values[i]));
      activation_backward<T>(kind, dy_, saved, dx, count, stream());
      // A slope from the argument takes the exponential that y took.
      const double noise = needs_argument(kind) ? 16 : 4;
      expect_close("dx", dx, slopes, {noise, 1});
    }
  });
}

KERNEL_TEST(fill) {
  for_each_length([](auto tag, int64_t count, int64_t misaligned) {
    using T = decltype(tag);
    const DeviceArray<T> y(count, misaligned);
    fill<T>(y, 1.5f, count, stream());
    expect_equal("y", y, std::vector<T>(count, from_double<T>(1.5)));
  });
}

KERNEL_TEST(dropout) {
  for_each_length([](auto tag, int64_t count, int64_t misaligned) {
    using T = decltype(tag);
    for (double rate : {0.0, 0.2, 0.999}) {
      Random random(count);
      const auto x = random_values<T>(count, random);
      const std::vector<int32_t> key = {-123456789, 987654321};
      const DeviceArray<T> x_(x.stored, misaligned), y(count);
      const DeviceArray<int32_t> key_(key);
      for (int64_t size : {1, 3, 8, 24}) {
        if (count % size != 0) continue;
        dropout<T>(x_, key_, rate, 7, y, count, size, stream());
        std::vector<double> want(count);
        for (int64_t i = 0; i < count; ++i) {
          const int64_t part = i / size;
          uint32_t words[4];
          philox_reference(static_cast<uint64_t>(part / 4), 7, key.data(), words);
          want[i] = words[part % 4] * 0x1p-32 >= rate ? x.exact[i] / (1 - rate) : 0;
        }
        expect_close("y", y, want, {2, 0});
      }
    }
  });
}

KERNEL_TEST(scale) {
  for_each_length([](auto tag, int64_t count, int64_t misaligned) {
    using T = decltype(tag);
    Random random(count);
    const auto x = random_values<T>(count, random);
    const DeviceArray<T> x_(x.stored, misaligned), y(count);
    std::vector<double> want(count);
    for (int64_t i = 0; i < count; ++i) want[i] = 0.17 * x.exact[i];
    scale<T>(x_, 0.17f, y, count, stream());
    expect_close("y", y, want, {2, 0});
    scale<T>(x_, 0.17f, x_, count, stream());
    expect_close("in place", x_, want, {2, 0});
  });
}

KERNEL_TEST(shake) {
  for_each_length([](auto tag, int64_t count, int64_t misaligned) {
    using T = decltype(tag);
    Random random(count);
    const auto a = random_values<T>(count, random), b = random_values<T>(count, random);
    const std::vector<int32_t> key = {-123456789, 987654321};
    const DeviceArray<T> a_(a.stored, misaligned), b_(b.stored), y(count), da(count), db(count);
    const DeviceArray<int32_t> key_(key);
    for (int64_t size : {1, 3, 8, 256, 2051}) {
      // Many images are many blocks, which the simulated device runs slowly.
      if (count % size != 0 || count / size > 40) continue;
      const int64_t images = count / size;
      std::vector<double> mixed(count), first(count), second(count), half(count);
      for (int64_t i = 0; i < count; ++i) {
        const int64_t image = i / size;
        uint32_t words[4];
        philox_reference(static_cast<uint64_t>(image / 4), 7, key.data(), words);
        const double share = words[image % 4] * 0x1p-32;
        mixed[i] = share * a.exact[i] + (1 - share) * b.exact[i];
        first[i] = share * a.exact[i];
        second[i] = (1 - share) * a.exact[i];
        half[i] = 0.5 * a.exact[i];
      }
      shake_forward<T>(a_, b_, key_, 7, y, images, size, stream());
      expect_close("y", y, mixed, {4, 1});
      shake_backward<T>(a_, key_, 7, da, db, images, size, stream());
      expect_close("da", da, first, {3, 1});
      expect_close("db", db, second, {3, 1});
      shake_backward<T>(a_, nullptr, 7, da, db, images, size, stream());
      expect_close("da, even", da, half, {1, 0});
      expect_close("db, even", db, half, {1, 0});
    }
  });
}

KERNEL_TEST(convert) {
  for_each_length([](auto tag, int64_t count, int64_t misaligned) {
    using T = decltype(tag);
    if constexpr (!std::is_same_v<T, float>) {
      Random random(count);
      const auto x = random_values<float>(count, random, -100, 100);
      const DeviceArray<float> x_(x.stored, misaligned), back(count);
      const DeviceArray<T> y(count);
      convert<float, T>(x_, y, count, stream());
      std::vector<T> rounded;
      std::vector<float> again;
      for (float value : x.stored) rounded.push_back(from_double<T>(value));
      for (T value : rounded) again.push_back(static_cast<float>(to_double(value)));
      expect_equal("y", y, rounded);
      convert<T, float>(y, back, count, stream());
      expect_equal("back", back, again);
    }
  });
}

}  // namespace senet::cuda::test
