// A small frame for tests of kernels: a registry, device memory with guards, and a comparison with doubles.
//
// A test fills arrays from a fixed seed, launches, and compares with a plain loop in double precision.
// Outputs start as NaNs, and every array lies between guard bytes that must not change.
#pragma once

#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_runtime_api.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <functional>
#include <limits>
#include <sstream>
#include <string>
#include <type_traits>
#include <vector>

#include "backends/cuda/kernels/kernels.h"

namespace senet::cuda::test {

struct Test {
  const char* name;
  void (*run)();
  bool largest_blocks;
};
std::vector<Test>& tests();
#if defined(SENET_SIM_TSAN)
inline constexpr bool kRaceDetector = true;
#else
inline constexpr bool kRaceDetector = false;
#endif
// Of the kinds that a test goes through for each size, one in so many, others for another size: all, or what the address
// sanitizer and the race detector leave time for, which slow a case down 4 and 30 times.
#if defined(SENET_SIM_TSAN)
inline constexpr size_t kKindsApart = 9;
#elif defined(SENET_SIM_ASAN)
inline constexpr size_t kKindsApart = 6;
#else
inline constexpr size_t kKindsApart = 1;
#endif

struct Register {
  Register(const Test& test) { tests().push_back(test); }
};
#define KERNEL_TEST_OF(name, largest_blocks)                          \
  static void name##_test();                                          \
  static const ::senet::cuda::test::Register name##_registered{       \
      ::senet::cuda::test::Test{#name, name##_test, largest_blocks}}; \
  static void name##_test()
#define KERNEL_TEST(name) KERNEL_TEST_OF(name, false)
// Launches blocks of 1,024 threads, and therefore runs after the others: for every thread of any later launch the race
// detector goes through as many clocks as the largest block so far had threads.
#define KERNEL_TEST_OF_LARGEST_BLOCKS(name) KERNEL_TEST_OF(name, true)

// Counts a failure of the running test and prints the first few. Context says which case runs.
void fail(const std::string& message);
void set_context(const std::string& context);
template <typename... Parts>
void in_case(const Parts&... parts) {
  std::ostringstream text;
  ((text << parts << ' '), ...);
  set_context(text.str());
}

void check(cudaError_t status, const char* what);
// The stream all tests use, and a wait for it.
cudaStream_t stream();
void synchronise();

// Numbers of a fixed sequence.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed * 0x9E3779B97F4A7C15u + 1) {}
  uint64_t bits() {
    state_ += 0x9E3779B97F4A7C15u;
    uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
  }
  // From low to high.
  double uniform(double low, double high) {
    return low + (high - low) * static_cast<double>(bits() >> 11) * 0x1p-53;
  }
  int64_t below(int64_t n) { return static_cast<int64_t>(bits() % static_cast<uint64_t>(n)); }

 private:
  uint64_t state_;
};

template <typename T>
double to_double(T value) {
  if constexpr (std::is_same_v<T, __half>) {
    return static_cast<double>(__half2float(value));
  } else if constexpr (std::is_same_v<T, __nv_bfloat16>) {
    return static_cast<double>(__bfloat162float(value));
  } else {
    return static_cast<double>(value);
  }
}

template <typename T>
T from_double(double value) {
  if constexpr (std::is_same_v<T, __half>) {
    return __float2half(static_cast<float>(value));
  } else if constexpr (std::is_same_v<T, __nv_bfloat16>) {
    return __float2bfloat16(static_cast<float>(value));
  } else {
    return static_cast<T>(value);
  }
}

// Half the distance between neighbouring numbers, relative: what one rounding may change.
template <typename T>
constexpr double rounding() {
  if (std::is_same_v<T, __half>) return 0x1p-11;
  if (std::is_same_v<T, __nv_bfloat16>) return 0x1p-9;
  return 0x1p-24;
}
// Below this, numbers of the type are not normal and rounding is absolute.
template <typename T>
constexpr double smallest() {
  return std::is_same_v<T, __half> ? 0x1p-24 : 0.0;
}

template <typename T>
std::string storage_name() {
  if (std::is_same_v<T, __half>) return "half";
  if (std::is_same_v<T, __nv_bfloat16>) return "bfloat16";
  return "float";
}

// body(T()) for each storage type of maps.
template <typename Body>
void for_each_storage(const Body& body) {
  body(float());
  // Half floats go the ways of bfloat16: to see them raced is to see them twice.
  if (!kRaceDetector) body(__half());
  body(__nv_bfloat16());
}

// An array in device memory. misaligned: elements by which it misses a multiple of 16 bytes.
template <typename T>
class DeviceArray {
 public:
  explicit DeviceArray(int64_t count, int64_t misaligned = 0)
      : count_(count), offset_(kGuard + static_cast<size_t>(misaligned) * sizeof(T)) {
    check(cudaMalloc(reinterpret_cast<void**>(&memory_), bytes()), "cudaMalloc");
    check(cudaMemsetAsync(memory_, 0xFF, bytes(), stream()), "cudaMemsetAsync");
    synchronise();
  }
  DeviceArray(const std::vector<T>& values, int64_t misaligned = 0)
      : DeviceArray(static_cast<int64_t>(values.size()), misaligned) {
    upload(values);
  }
  DeviceArray(const DeviceArray&) = delete;
  ~DeviceArray() { cudaFree(memory_); }

  T* data() const { return reinterpret_cast<T*>(memory_ + offset_); }
  operator T*() const { return data(); }

  void upload(const std::vector<T>& values) {
    const size_t size = values.size() * sizeof(T);
    check(cudaMemcpyAsync(data(), values.data(), size, cudaMemcpyHostToDevice, stream()), "cudaMemcpyAsync");
    synchronise();
  }

  // The values, after a check of the guards.
  std::vector<T> download() const {
    std::vector<uint8_t> all(bytes());
    check(cudaMemcpyAsync(all.data(), memory_, bytes(), cudaMemcpyDeviceToHost, stream()), "cudaMemcpyAsync");
    synchronise();
    const size_t end = offset_ + static_cast<size_t>(count_) * sizeof(T);
    for (size_t i = 0; i < bytes(); ++i) {
      if ((i < offset_ || i >= end) && all[i] != 0xFF) {
        fail("wrote " + std::to_string(static_cast<int64_t>(i) - static_cast<int64_t>(offset_)) +
             " bytes from the start of an array of " + std::to_string(count_) + " elements");
        break;
      }
    }
    std::vector<T> values(static_cast<size_t>(count_));
    std::memcpy(static_cast<void*>(values.data()), all.data() + offset_, values.size() * sizeof(T));
    return values;
  }

 private:
  static constexpr size_t kGuard = 256;
  size_t bytes() const { return offset_ + static_cast<size_t>(count_) * sizeof(T) + kGuard; }

  int64_t count_;
  size_t offset_;
  uint8_t* memory_ = nullptr;
};

// Random values as they are stored, and the same as doubles.
template <typename T>
struct Values {
  std::vector<T> stored;
  std::vector<double> exact;
};
template <typename T>
Values<T> random_values(int64_t count, Random& random, double low = -1, double high = 1) {
  Values<T> values;
  for (int64_t i = 0; i < count; ++i) {
    values.stored.push_back(from_double<T>(random.uniform(low, high)));
    values.exact.push_back(to_double(values.stored.back()));
  }
  return values;
}

// Each output may differ from the wanted value by two roundings to storage T and by `noise` float roundings
// of a number of size `scale`. noise is the square root of the number of terms that were added, times a few
// for the other steps.
struct Tolerance {
  double noise, scale;
};
template <typename T>
void expect_close(const std::string& name, const DeviceArray<T>& got, const std::vector<double>& want,
                  const Tolerance& tolerance) {
  const std::vector<T> values = got.download();
  for (size_t i = 0; i < want.size(); ++i) {
    const double value = to_double(values[i]);
    const double allowed = 2 * rounding<T>() * std::abs(want[i]) + smallest<T>() +
                           tolerance.noise * 0x1p-24 * std::max(std::abs(want[i]), tolerance.scale);
    const bool same = std::isfinite(want[i]) ? std::abs(value - want[i]) <= allowed
                                             : (std::isnan(want[i]) ? std::isnan(value) : value == want[i]);
    if (same) continue;
    std::ostringstream text;
    text.precision(9);
    text << name << '[' << i << "]: expected " << want[i] << ", received " << value << ", allowed "
         << allowed;
    return fail(text.str());
  }
}

template <typename T>
void expect_equal(const std::string& name, const DeviceArray<T>& got, const std::vector<T>& want) {
  const std::vector<T> values = got.download();
  for (size_t i = 0; i < want.size(); ++i) {
    if (std::memcmp(&values[i], &want[i], sizeof(T)) == 0) continue;
    std::ostringstream text;
    text << name << '[' << i << "]: expected " << to_double(want[i]) << ", received " << to_double(values[i]);
    return fail(text.str());
  }
}

// [N,P,C] no block divides evenly: one element, one image, one position, channels below, at and above a
// block, and long images.
inline const std::vector<MapSize>& awkward_maps() {
  static const std::vector<MapSize> sizes = {
      {1, 1, 1},   {1, 1, 8},    {3, 1, 3},   {2, 5, 7},   {2, 49, 8},  {3, 49, 12}, {1, 1200, 4}, {2, 9, 40},
      {1, 700, 8}, {2, 150, 64}, {4, 4, 264}, {1, 3, 520}, {2, 3, 257}, {37, 1, 16}, {1, 2500, 1}};
  return sizes;
}

// Scratch memory of at least one byte, as floats.
inline int64_t floats_for(size_t bytes) {
  return static_cast<int64_t>(bytes / sizeof(float)) + 1;
}

}  // namespace senet::cuda::test
