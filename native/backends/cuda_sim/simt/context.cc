#include "backends/cuda_sim/simt/context.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <new>

namespace senet::sim {

namespace {

#if defined(__x86_64__)

constexpr size_t kSavedWords = 6;  // rbp rbx r12 r13 r14 r15

asm(R"(
.text
.globl senet_sim_switch
.hidden senet_sim_switch
.type senet_sim_switch, @function
senet_sim_switch:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
.size senet_sim_switch, .-senet_sim_switch
)");

#elif defined(__aarch64__)

constexpr size_t kSavedWords = 20;  // x19 to x30, d8 to d15
constexpr size_t kReturnWord = 11;  // x30

asm(R"(
.text
.globl senet_sim_switch
.hidden senet_sim_switch
.type senet_sim_switch, %function
senet_sim_switch:
  sub sp, sp, #160
  stp x19, x20, [sp, #0]
  stp x21, x22, [sp, #16]
  stp x23, x24, [sp, #32]
  stp x25, x26, [sp, #48]
  stp x27, x28, [sp, #64]
  stp x29, x30, [sp, #80]
  stp d8, d9, [sp, #96]
  stp d10, d11, [sp, #112]
  stp d12, d13, [sp, #128]
  stp d14, d15, [sp, #144]
  mov x9, sp
  str x9, [x0]
  mov sp, x1
  ldp x19, x20, [sp, #0]
  ldp x21, x22, [sp, #16]
  ldp x23, x24, [sp, #32]
  ldp x25, x26, [sp, #48]
  ldp x27, x28, [sp, #64]
  ldp x29, x30, [sp, #80]
  ldp d8, d9, [sp, #96]
  ldp d10, d11, [sp, #112]
  ldp d12, d13, [sp, #128]
  ldp d14, d15, [sp, #144]
  add sp, sp, #160
  ret
.size senet_sim_switch, .-senet_sim_switch
)");

#endif

}  // namespace

#if defined(__x86_64__) || defined(__aarch64__)

// Saves the registers a call must keep on the running stack, its pointer in `save`, and takes those at
// `load`.
extern "C" void senet_sim_switch(void** save, void* load);

void Context::prepare(std::byte* stack, size_t bytes, void (*entry)()) {
  void** const top = reinterpret_cast<void**>(stack + bytes - 64);
#if defined(__x86_64__)
  void** const frame = top - kSavedWords;
  *top = reinterpret_cast<void*>(entry);  // the address that the switch returns to
  top[1] = nullptr;
  std::memset(frame, 0, kSavedWords * sizeof(void*));
#else
  void** const frame = top - kSavedWords;
  std::memset(frame, 0, kSavedWords * sizeof(void*));
  frame[kReturnWord] = reinterpret_cast<void*>(entry);
#endif
  stack_pointer_ = frame;
}

void Context::switch_to(Context& from, Context& to) {
  senet_sim_switch(&from.stack_pointer_, to.stack_pointer_);
}

#else

// Slower: every switch makes a system call.
void Context::prepare(std::byte* stack, size_t bytes, void (*entry)()) {
  getcontext(&state_);
  state_.uc_stack.ss_sp = stack;
  state_.uc_stack.ss_size = bytes;
  state_.uc_link = nullptr;
  makecontext(&state_, entry, 0);
}

void Context::switch_to(Context& from, Context& to) {
  swapcontext(&from.state_, &to.state_);
}

#endif

FiberStack::FiberStack() {
  const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  void* const memory = mmap(nullptr, kBytes + page, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  mprotect(memory, page, PROT_NONE);
  data = static_cast<std::byte*>(memory) + page;
}

}  // namespace senet::sim
