// Atomic operations. Real ones of the host, so that the thread sanitizer sees what they are; relaxed, as on a
// GPU, so that they order nothing else.
#pragma once

#include <cstdint>
#include <cstring>

namespace senet::sim {

// Replaces the value at `address` by update(value); gives back the old one.
template <typename T, typename Bits, typename Update>
T atomic_update(T* address, Update update) {
  static_assert(sizeof(T) == sizeof(Bits));
  Bits* const cell = reinterpret_cast<Bits*>(address);
  Bits seen = __atomic_load_n(cell, __ATOMIC_RELAXED);
  for (;;) {
    T old;
    std::memcpy(&old, &seen, sizeof old);
    const T next = update(old);
    Bits wanted;
    std::memcpy(&wanted, &next, sizeof wanted);
    if (__atomic_compare_exchange_n(cell, &seen, wanted, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
      return old;
  }
}

}  // namespace senet::sim

inline int atomicAdd(int* address, int value) {
  return __atomic_fetch_add(address, value, __ATOMIC_RELAXED);
}
inline unsigned atomicAdd(unsigned* address, unsigned value) {
  return __atomic_fetch_add(address, value, __ATOMIC_RELAXED);
}
inline unsigned long long atomicAdd(unsigned long long* address, unsigned long long value) {
  return __atomic_fetch_add(address, value, __ATOMIC_RELAXED);
}
inline float atomicAdd(float* address, float value) {
  return senet::sim::atomic_update<float, uint32_t>(address, [value](float old) { return old + value; });
}
inline double atomicAdd(double* address, double value) {
  return senet::sim::atomic_update<double, uint64_t>(address, [value](double old) { return old + value; });
}
inline int atomicSub(int* address, int value) {
  return __atomic_fetch_sub(address, value, __ATOMIC_RELAXED);
}
inline unsigned atomicSub(unsigned* address, unsigned value) {
  return __atomic_fetch_sub(address, value, __ATOMIC_RELAXED);
}

inline int atomicMin(int* address, int value) {
  return senet::sim::atomic_update<int, uint32_t>(address,
                                                  [value](int old) { return value < old ? value : old; });
}
inline unsigned atomicMin(unsigned* address, unsigned value) {
  return senet::sim::atomic_update<unsigned, uint32_t>(
      address, [value](unsigned old) { return value < old ? value : old; });
}
inline int atomicMax(int* address, int value) {
  return senet::sim::atomic_update<int, uint32_t>(address,
                                                  [value](int old) { return value > old ? value : old; });
}
inline unsigned atomicMax(unsigned* address, unsigned value) {
  return senet::sim::atomic_update<unsigned, uint32_t>(
      address, [value](unsigned old) { return value > old ? value : old; });
}
// Adds 1 and starts again at 0 after `limit`.
inline unsigned atomicInc(unsigned* address, unsigned limit) {
  return senet::sim::atomic_update<unsigned, uint32_t>(
      address, [limit](unsigned old) { return old >= limit ? 0u : old + 1; });
}

inline int atomicAnd(int* address, int value) {
  return __atomic_fetch_and(address, value, __ATOMIC_RELAXED);
}
inline unsigned atomicAnd(unsigned* address, unsigned value) {
  return __atomic_fetch_and(address, value, __ATOMIC_RELAXED);
}
inline int atomicOr(int* address, int value) {
  return __atomic_fetch_or(address, value, __ATOMIC_RELAXED);
}
inline unsigned atomicOr(unsigned* address, unsigned value) {
  return __atomic_fetch_or(address, value, __ATOMIC_RELAXED);
}
inline int atomicXor(int* address, int value) {
  return __atomic_fetch_xor(address, value, __ATOMIC_RELAXED);
}
inline unsigned atomicXor(unsigned* address, unsigned value) {
  return __atomic_fetch_xor(address, value, __ATOMIC_RELAXED);
}

inline int atomicExch(int* address, int value) {
  return __atomic_exchange_n(address, value, __ATOMIC_RELAXED);
}
inline unsigned atomicExch(unsigned* address, unsigned value) {
  return __atomic_exchange_n(address, value, __ATOMIC_RELAXED);
}
inline float atomicExch(float* address, float value) {
  return senet::sim::atomic_update<float, uint32_t>(address, [value](float) { return value; });
}
inline int atomicCAS(int* address, int expected, int value) {
  __atomic_compare_exchange_n(address, &expected, value, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
  return expected;
}
inline unsigned atomicCAS(unsigned* address, unsigned expected, unsigned value) {
  __atomic_compare_exchange_n(address, &expected, value, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
  return expected;
}
