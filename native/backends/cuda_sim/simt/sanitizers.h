// What the sanitizers must be told. A simulated thread changes stacks (for the address sanitizer) and is a
// thread of its own that nothing orders but barriers (for the thread sanitizer). The simulator itself is
// never instrumented; without a sanitizer all of this is empty.
#pragma once

#include <cstddef>

#if defined(SENET_SIM_ASAN)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#if defined(SENET_SIM_TSAN)
extern "C" {
void* __tsan_create_fiber(unsigned flags);
void __tsan_destroy_fiber(void* fiber);
void __tsan_switch_to_fiber(void* fiber, unsigned flags);
void* __tsan_get_current_fiber();
void __tsan_acquire(void* address);
void __tsan_release(void* address);
void __tsan_read_range(void* address, unsigned long bytes);
void __tsan_write_range(void* address, unsigned long bytes);
void __tsan_ignore_thread_begin();
void __tsan_ignore_thread_end();
}
#endif

namespace senet::sim::asan {

inline void poison([[maybe_unused]] const void* data, [[maybe_unused]] size_t bytes) {
#if defined(SENET_SIM_ASAN)
  __asan_poison_memory_region(data, bytes);
#endif
}

inline void unpoison([[maybe_unused]] const void* data, [[maybe_unused]] size_t bytes) {
#if defined(SENET_SIM_ASAN)
  __asan_unpoison_memory_region(data, bytes);
#endif
}

// Before leaving a stack for another one; `keep` holds what the sanitizer wants back on return.
inline void start_switch([[maybe_unused]] void** keep, [[maybe_unused]] const void* bottom,
                         [[maybe_unused]] size_t bytes) {
#if defined(SENET_SIM_ASAN)
  __sanitizer_start_switch_fiber(keep, bottom, bytes);
#endif
}

// After arriving; tells the bounds of the stack that was left.
inline void finish_switch([[maybe_unused]] void* kept, [[maybe_unused]] const void** bottom,
                          [[maybe_unused]] size_t* bytes) {
#if defined(SENET_SIM_ASAN)
  __sanitizer_finish_switch_fiber(kept, bottom, bytes);
#endif
}

}  // namespace senet::sim::asan

namespace senet::sim::tsan {

#if defined(SENET_SIM_TSAN)
inline constexpr bool kEnabled = true;
#else
inline constexpr bool kEnabled = false;
#endif

// An identity is what the sanitizer takes for a thread.
inline void* create_identity() {
#if defined(SENET_SIM_TSAN)
  return __tsan_create_fiber(0);
#else
  return nullptr;
#endif
}

inline void destroy_identity([[maybe_unused]] void* identity) {
#if defined(SENET_SIM_TSAN)
  if (identity != nullptr) __tsan_destroy_fiber(identity);
#endif
}

inline void* current_identity() {
#if defined(SENET_SIM_TSAN)
  return __tsan_get_current_fiber();
#else
  return nullptr;
#endif
}

// Goes on as `identity`, without ordering it after what came before.
inline void become([[maybe_unused]] void* identity) {
#if defined(SENET_SIM_TSAN)
  constexpr unsigned kNoSync = 1;
  __tsan_switch_to_fiber(identity, kNoSync);
#endif
}

// What one identity did before release(tag) comes before what another does after acquire(tag).
inline void acquire([[maybe_unused]] void* tag) {
#if defined(SENET_SIM_TSAN)
  __tsan_acquire(tag);
#endif
}

inline void release([[maybe_unused]] void* tag) {
#if defined(SENET_SIM_TSAN)
  __tsan_release(tag);
#endif
}

// While this lives, what the running identity does to memory is not looked at. For the simulator's own work: it is not
// instrumented, but a function of the standard library that kernels use too may be shared with them.
class Unwatched {
 public:
  Unwatched() {
#if defined(SENET_SIM_TSAN)
    __tsan_ignore_thread_begin();
#endif
  }
  ~Unwatched() {
#if defined(SENET_SIM_TSAN)
    __tsan_ignore_thread_end();
#endif
  }
  Unwatched(const Unwatched&) = delete;
  Unwatched& operator=(const Unwatched&) = delete;
};

// The reverse, within the former: for what the operation itself does.
class Watched {
 public:
  Watched() {
#if defined(SENET_SIM_TSAN)
    __tsan_ignore_thread_end();
#endif
  }
  ~Watched() {
#if defined(SENET_SIM_TSAN)
    __tsan_ignore_thread_begin();
#endif
  }
  Watched(const Watched&) = delete;
  Watched& operator=(const Watched&) = delete;
};

inline void note_read([[maybe_unused]] const void* data, [[maybe_unused]] size_t bytes) {
#if defined(SENET_SIM_TSAN)
  __tsan_read_range(const_cast<void*>(data), bytes);
#endif
}

inline void note_write([[maybe_unused]] const void* data, [[maybe_unused]] size_t bytes) {
#if defined(SENET_SIM_TSAN)
  __tsan_write_range(const_cast<void*>(data), bytes);
#endif
}

}  // namespace senet::sim::tsan
