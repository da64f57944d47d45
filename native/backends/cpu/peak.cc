#include "backends/cpu/peak.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>

#include "backends/cpu/parallel.h"

namespace senet::cpu {

namespace {

#ifdef __AVX512F__
constexpr int kBytes = 64;
#else
constexpr int kBytes = 32;
#endif
constexpr int kFloats = kBytes / sizeof(float);
typedef float Wide __attribute__((vector_size(kBytes)));

// Sums in flight: enough to hide the latency of a multiply-add on two units, and all in registers.
constexpr int kSums = 12;
constexpr int64_t kRounds = 1'000'000;
// Two arrays of it are more than caches hold.
constexpr int64_t kCopied = int64_t{96} << 20;
constexpr int kRepeats = 5;

double multiply_add(int64_t rounds) {
  const Wide factor = Wide{} + 0.999F;
  const Wide term = Wide{} + 1e-3F;
  // Different numbers, since a compiler computes equal sums but once.
  std::array<Wide, kSums> sums;
  for (int i = 0; i < kSums; ++i) sums[i] = Wide{} + static_cast<float>(i);
  for (int64_t i = 0; i < rounds; ++i) {
    for (Wide& sum : sums) sum = sum * factor + term;
  }
  Wide total{};
  for (const Wide& sum : sums) total += sum;
  return static_cast<double>(total[0]);
}

// The fewest seconds of some runs.
template <typename Work>
double seconds_of(const Work& work) {
  double least = 1e9;
  for (int i = 0; i < kRepeats; ++i) {
    const auto start = std::chrono::steady_clock::now();
    work();
    least = std::min(least, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  return least;
}

}  // namespace

Peak measure_peak() {
  const auto from = std::make_unique<std::byte[]>(kCopied);
  const auto to = std::make_unique<std::byte[]>(kCopied);
  const auto copy = [&] {
    parallel_for(kCopied, [&](int64_t begin, int64_t end) {
      std::memcpy(to.get() + begin, from.get() + begin, static_cast<size_t>(end - begin));
    });
  };
  copy();
  const double copying = seconds_of(copy);

  const int threads = omp_get_max_threads();
  volatile double kept = 0;
  const double computing =
      seconds_of([&] { parallel_for(threads, [&](int64_t, int64_t) { kept = multiply_add(kRounds); }); });
  const double operations = 2.0 * kSums * kFloats * kRounds * threads;
  return {2.0 * kCopied / copying, operations / computing};
}

}  // namespace senet::cpu
