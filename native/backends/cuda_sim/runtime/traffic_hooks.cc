// The build mode "traffic" compiles kernels as for the thread sanitizer and links these functions in its
// library's place: the compiler calls one at every access to memory, and here that means to count it. Atomic
// operations arrive as functions that also do the work.
#include <cstddef>
#include <cstdint>

#include "backends/cuda_sim/runtime/traffic.h"

namespace {

void count_read(const volatile void* address, size_t bytes) {
  senet::sim::traffic().read(const_cast<const void*>(address), bytes);
}

void count_write(const volatile void* address, size_t bytes) {
  senet::sim::traffic().write(const_cast<const void*>(address), bytes);
}

template <typename T>
T load(const volatile T* address) {
  count_read(address, sizeof(T));
  return __atomic_load_n(address, __ATOMIC_SEQ_CST);
}

template <typename T>
void store(volatile T* address, T value) {
  count_write(address, sizeof(T));
  __atomic_store_n(address, value, __ATOMIC_SEQ_CST);
}

template <typename T>
int compare_exchange(volatile T* address, T* expected, T value) {
  count_read(address, sizeof(T));
  const bool equal =
      __atomic_compare_exchange_n(address, expected, value, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
  if (equal) count_write(address, sizeof(T));
  return equal;
}

// Counts an operation that reads and writes, and hands the address on to it.
template <typename T>
volatile T* updated(volatile T* address) {
  count_read(address, sizeof(T));
  count_write(address, sizeof(T));
  return address;
}

}  // namespace

extern "C" {

void __tsan_init() {}
void __tsan_func_entry(void*) {}
void __tsan_func_exit() {}
void __tsan_vptr_read(void**) {}
void __tsan_vptr_update(void**, void*) {}
void __tsan_atomic_thread_fence(int) {}
void __tsan_atomic_signal_fence(int) {}
void __tsan_read_range(void* address, size_t bytes) {
  count_read(address, bytes);
}
void __tsan_write_range(void* address, size_t bytes) {
  count_write(address, bytes);
}

#define COUNTED_ACCESS(kind, count, bytes)             \
  void __tsan_##kind##bytes(void* address) {           \
    count(address, bytes);                             \
  }                                                    \
  void __tsan_unaligned_##kind##bytes(void* address) { \
    count(address, bytes);                             \
  }                                                    \
  void __tsan_volatile_##kind##bytes(void* address) {  \
    count(address, bytes);                             \
  }

#define COUNTED_ACCESSES(bytes)           \
  COUNTED_ACCESS(read, count_read, bytes) \
  COUNTED_ACCESS(write, count_write, bytes)

COUNTED_ACCESSES(1)
COUNTED_ACCESSES(2)
COUNTED_ACCESSES(4)
COUNTED_ACCESSES(8)
COUNTED_ACCESSES(16)

#define COUNTED_UPDATE(T, prefix, name, operation)               \
  T prefix##name(volatile T* address, T value, int) {            \
    return operation(updated(address), value, __ATOMIC_SEQ_CST); \
  }

#define COUNTED_ATOMICS(T, prefix)                                                           \
  T prefix##load(const volatile T* address, int) {                                           \
    return load(address);                                                                    \
  }                                                                                          \
  void prefix##store(volatile T* address, T value, int) {                                    \
    store(address, value);                                                                   \
  }                                                                                          \
  int prefix##compare_exchange_strong(volatile T* address, T* expected, T value, int, int) { \
    return compare_exchange(address, expected, value);                                       \
  }                                                                                          \
  int prefix##compare_exchange_weak(volatile T* address, T* expected, T value, int, int) {   \
    return compare_exchange(address, expected, value);                                       \
  }                                                                                          \
  COUNTED_UPDATE(T, prefix, exchange, __atomic_exchange_n)                                   \
  COUNTED_UPDATE(T, prefix, fetch_add, __atomic_fetch_add)                                   \
  COUNTED_UPDATE(T, prefix, fetch_sub, __atomic_fetch_sub)                                   \
  COUNTED_UPDATE(T, prefix, fetch_and, __atomic_fetch_and)                                   \
  COUNTED_UPDATE(T, prefix, fetch_or, __atomic_fetch_or)                                     \
  COUNTED_UPDATE(T, prefix, fetch_xor, __atomic_fetch_xor)

COUNTED_ATOMICS(uint8_t, __tsan_atomic8_)
COUNTED_ATOMICS(uint16_t, __tsan_atomic16_)
COUNTED_ATOMICS(uint32_t, __tsan_atomic32_)
COUNTED_ATOMICS(uint64_t, __tsan_atomic64_)
}
