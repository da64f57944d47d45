// Stacks for simulated threads, and the switch from one to another.
#pragma once

#include <cstddef>

#if !defined(__x86_64__) && !defined(__aarch64__)
#include <ucontext.h>
#endif

namespace senet::sim {

// Where a suspended flow of control goes on.
class Context {
 public:
  // The next switch to this context calls `entry`, which never returns, on the given stack.
  void prepare(std::byte* stack, size_t bytes, void (*entry)());

  // Suspends the running flow into `from` and goes on with `to`.
  static void switch_to(Context& from, Context& to);

 private:
#if defined(__x86_64__) || defined(__aarch64__)
  void* stack_pointer_ = nullptr;
#else
  ucontext_t state_ = {};
#endif
};

// A stack with a guard page at its end, and what is suspended on it.
struct FiberStack {
  FiberStack();

  static constexpr size_t kBytes = size_t{128} << 10;
  std::byte* data = nullptr;
  Context context;
  bool started = false;  // something is suspended on it
  void* sanitizer_state = nullptr;
};

}  // namespace senet::sim
