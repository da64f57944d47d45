#include "backends/cuda_sim/simt/executor.h"

#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <utility>

#include "backends/cuda_sim/language/indices.h"
#include "backends/cuda_sim/runtime/diagnostics.h"
#include "backends/cuda_sim/simt/sanitizers.h"
#include "backends/cuda_sim/simt/settings.h"

uint3 threadIdx;
uint3 blockIdx;
dim3 blockDim;
dim3 gridDim;

namespace senet::sim {

namespace {

// Unwinds the thread that is at fault; the others stay suspended for ever.
struct Fault {};

}  // namespace

Executor& executor() {
  static Executor& only = *new Executor;  // never destroyed: kernels may run until the process ends
  return only;
}

Executor::Inside::Inside(Executor& executor) : executor_(executor) {
  tsan::become(executor.scheduler_identity_);
}
Executor::Inside::~Inside() {
  tsan::become(executor_.current_->identity);
}

cudaError_t Executor::run(const GridLaunch& launch) {
  launch_ = &launch;
  failed_ = false;
  error_ = cudaSuccess;
  blockDim = launch.block;
  gridDim = launch.grid;
  scheduler_identity_ = tsan::current_identity();
  number_threads();
  shared_.begin_grid(launch.dynamic_shared);
  tsan::release(&start_tag_);

  const uint64_t blocks = uint64_t{launch.grid.x} * launch.grid.y * launch.grid.z;
  const Schedule schedule = settings().schedule;
  const uint64_t first = schedule == Schedule::kRandom ? random_below(blocks) : 0;
  for (uint64_t i = 0; i < blocks && !failed_; ++i) {
    const uint64_t block = schedule == Schedule::kReverse ? blocks - 1 - i : (first + i) % blocks;
    run_block({static_cast<unsigned>(block % launch.grid.x),
               static_cast<unsigned>(block / launch.grid.x % launch.grid.y),
               static_cast<unsigned>(block / (uint64_t{launch.grid.x} * launch.grid.y))});
  }
  tsan::acquire(&end_tag_);
  shared_.end_grid();
  launch_ = nullptr;
  return error_;
}

void Executor::number_threads() {
  const dim3 block = launch_->block;
  count_ = static_cast<int>(block.x * block.y * block.z);
  order_.resize(static_cast<size_t>(count_));
  for (int i = 0; i < count_; ++i) {
    const auto n = static_cast<unsigned>(i);
    SimThread& thread = threads_[static_cast<size_t>(i)];
    thread.id = i;
    thread.index = {n % block.x, n / block.x % block.y, n / (block.x * block.y)};
    if (tsan::kEnabled && thread.identity == nullptr) thread.identity = tsan::create_identity();
  }
}

void Executor::run_block(uint3 index) {
  begin_block(index);
  while (live_ > 0 && !failed_) {
    if (!step()) report_deadlock();
  }
  end_block();
}

void Executor::begin_block(uint3 index) {
  block_ = index;
  blockIdx = index;
  live_ = count_;
  started_ = 0;
  ready_.clear();
  next_ready_ = 0;
  barrier_.waiting = 0;
  barrier_.predicates = 0;
  for (int i = 0; i < count_; ++i) order_[static_cast<size_t>(i)] = i;
  arrange(order_, 0);
  for (int lane = 0; lane < count_; lane += kWarpLanes) {
    Warp& warp = warps_[static_cast<size_t>(lane / kWarpLanes)];
    const int lanes = count_ - lane;
    warp.alive = lanes >= kWarpLanes ? ~0u : (1u << lanes) - 1;
    warp.groups.clear();
  }
  if (tsan::kEnabled) {
    // Every block gives the identities to other threads, so that a thread and its namesake in the next block
    // are not one and the same to the race detector, and their accesses not ordered.
    SimThread& head = threads_[0];
    const auto identity = head.identity;
    const auto own_stack = head.own_stack;
    for (int i = 0; i + 1 < count_; ++i) {
      threads_[static_cast<size_t>(i)].identity = threads_[static_cast<size_t>(i) + 1].identity;
      threads_[static_cast<size_t>(i)].own_stack = threads_[static_cast<size_t>(i) + 1].own_stack;
    }
    threads_[static_cast<size_t>(count_) - 1].identity = identity;
    threads_[static_cast<size_t>(count_) - 1].own_stack = own_stack;
  }
  shared_.begin_block();
}

void Executor::end_block() {
  current_ = nullptr;
  if (failed_) {
    abandon_stacks();
    return;
  }
  if (const SharedArrays::Array* const array = shared_.damaged()) {
    failed_ = true;
    error_ = report(cudaErrorIllegalAddress,
                    "kernel %s, block (%u,%u,%u): write past the end of shared array '%s' (%zu bytes)",
                    launch_->name.c_str(), block_.x, block_.y, block_.z, array->name, array->bytes);
  }
}

// Lets a thread go on, or a new one start. False if there is none.
bool Executor::step() {
  if (next_ready_ < ready_.size()) {
    if (settings().schedule == Schedule::kRandom) {
      std::swap(ready_[next_ready_], ready_[next_ready_ + random_below(ready_.size() - next_ready_)]);
    }
    SimThread& thread = threads_[static_cast<size_t>(ready_[next_ready_++])];
    if (next_ready_ == ready_.size()) {
      ready_.clear();
      next_ready_ = 0;
    }
    make_current(thread);
    resume(*thread.stack);
    return true;
  }
  if (started_ == order_.size()) return false;
  FiberStack& stack = *stack_for_new_thread();
  if (!stack.started) {
    stack.started = true;
    stack.context.prepare(stack.data, FiberStack::kBytes, fiber_entry);
  }
  resume(stack);
  return true;
}

void Executor::report_deadlock() {
  std::vector<std::string> places;  // each once, with the first thread that waits there
  std::string text;
  for (int i = 0; i < count_; ++i) {
    const SimThread& thread = threads_[static_cast<size_t>(i)];
    const bool barrier = thread.state == ThreadState::kAtBarrier;
    if (!barrier && thread.state != ThreadState::kInWarpOp) continue;
    const std::string place = (barrier ? "barrier " : "warp operation ") + to_string(thread.site);
    if (std::find(places.begin(), places.end(), place) != places.end()) continue;
    places.push_back(place);
    text += (places.size() > 1 ? ", thread " : " thread ") + std::to_string(i) + " waits at the " + place;
  }
  failed_ = true;
  error_ = report(cudaErrorLaunchFailure, "kernel %s, block (%u,%u,%u): deadlock:%s", launch_->name.c_str(),
                  block_.x, block_.y, block_.z, text.c_str());
}

FiberStack* Executor::stack_for_new_thread() {
  FiberStack** const own =
      tsan::kEnabled ? &threads_[static_cast<size_t>(order_[started_])].own_stack : nullptr;
  if (own != nullptr && *own != nullptr) return *own;
  if (!free_stacks_.empty()) {
    FiberStack* const stack = free_stacks_.back();
    free_stacks_.pop_back();
    return stack;
  }
  stacks_.push_back(std::make_unique<FiberStack>());
  if (own != nullptr) *own = stacks_.back().get();
  return stacks_.back().get();
}

// Threads that a fault left suspended never go on: all stacks are as new.
void Executor::abandon_stacks() {
  free_stacks_.clear();
  for (const auto& stack : stacks_) {
    stack->started = false;
    stack->sanitizer_state = nullptr;
    asan::unpoison(stack->data, FiberStack::kBytes);
    if (!tsan::kEnabled) free_stacks_.push_back(stack.get());
  }
}

void Executor::make_current(SimThread& thread) {
  current_ = &thread;
  thread.state = ThreadState::kRunning;
  threadIdx = thread.index;
}

void Executor::resume(FiberStack& stack) {
  running_stack_ = &stack;
  asan::start_switch(&scheduler_sanitizer_, stack.data, FiberStack::kBytes);
  Context::switch_to(scheduler_, stack.context);
  asan::finish_switch(scheduler_sanitizer_, nullptr, nullptr);
  tsan::become(scheduler_identity_);
}

void Executor::return_to_scheduler() {
  FiberStack& stack = *running_stack_;
  asan::start_switch(&stack.sanitizer_state, scheduler_bottom_, scheduler_bytes_);
  Context::switch_to(stack.context, scheduler_);
  asan::finish_switch(stack.sanitizer_state, &scheduler_bottom_, &scheduler_bytes_);
}

void Executor::suspend(ThreadState state) {
  SimThread& thread = *current_;
  thread.state = state;
  thread.stack = running_stack_;
  return_to_scheduler();
}

void Executor::fiber_entry() {
  Executor& self = executor();
  asan::finish_switch(nullptr, &self.scheduler_bottom_, &self.scheduler_bytes_);
  for (;;) {
    self.run_threads();
    if (!tsan::kEnabled) self.free_stacks_.push_back(self.running_stack_);
    self.return_to_scheduler();
  }
}

// Runs new threads, one after the other, on this stack.
void Executor::run_threads() {
  try {
    while (!failed_ && started_ < order_.size()) {
      make_current(threads_[static_cast<size_t>(order_[started_++])]);
      tsan::become(current_->identity);
      tsan::acquire(&start_tag_);
      launch_->kernel->run_thread();
      tsan::release(&end_tag_);
      tsan::become(scheduler_identity_);
      thread_returned();
      if (tsan::kEnabled) return;
    }
  } catch (const Fault&) {
    tsan::become(scheduler_identity_);
  }
}

void Executor::thread_returned() {
  SimThread& thread = *current_;
  thread.state = ThreadState::kReturned;
  --live_;
  const int number = thread.id / kWarpLanes;
  Warp& warp = warps_[static_cast<size_t>(number)];
  warp.alive &= ~(1u << (thread.id % kWarpLanes));
  for (size_t i = 0; i < warp.groups.size();) {
    const WarpGroup& group = warp.groups[i];
    if (group.arrived == (group.mask & warp.alive)) {
      complete_warp_group(number, i);
    } else {
      ++i;
    }
  }
  if (barrier_.waiting == 0) return;
  if (settings().strict) {
    fault(cudaErrorLaunchFailure,
          "this thread returned while others wait at the barrier " + to_string(barrier_.site));
  }
  if (barrier_.waiting == live_) release_barrier();
}

std::string Executor::place() const {
  char text[160];
  std::snprintf(text, sizeof text, "block (%u,%u,%u), thread (%u,%u,%u)", block_.x, block_.y, block_.z,
                current_->index.x, current_->index.y, current_->index.z);
  return "kernel " + launch_->name + ", " + text;
}

void Executor::fault(cudaError_t error, const std::string& text) {
  error_ = report(error, "%s: %s", place().c_str(), text.c_str());
  failed_ = true;
  throw Fault();
}

void* Executor::shared_array(const void* declaration, const char* name, size_t bytes, size_t alignment) {
  const SharedArrays::Array* array = shared_.find(declaration);
  if (array == nullptr) {
    const Inside inside(*this);
    array = shared_.add(declaration, name, bytes, alignment);
    const size_t total = shared_.static_bytes() + shared_.dynamic_bytes();
    if (array == nullptr || (!launch_->raised_shared_limit && total > SharedArrays::kMaxStatic)) {
      fault(cudaErrorInvalidConfiguration,
            "with '" + std::string(name) + "' the block needs " + std::to_string(shared_.static_bytes()) +
                " bytes of static and " + std::to_string(shared_.dynamic_bytes()) +
                " of dynamic shared memory, more than there is");
    }
  }
  tsan::acquire(shared_.tag());
  return array->data;
}

void* Executor::dynamic_shared() {
  if (shared_.dynamic_bytes() == 0) {
    fault(cudaErrorInvalidConfiguration, "dynamic shared memory is used, but the launch asked for none");
  }
  const SharedArrays::Array* array = shared_.find(nullptr);
  if (array == nullptr) {
    const Inside inside(*this);
    array = shared_.add(nullptr, "dynamic shared memory", shared_.dynamic_bytes(), 16);
    if (array == nullptr) fault(cudaErrorInvalidConfiguration, "more shared memory than a block may have");
  }
  tsan::acquire(shared_.tag());
  return array->data;
}

std::string to_string(const Site& site) {
  return std::string(site.file_name()) + ":" + std::to_string(site.line());
}

bool same_site(const Site& a, const Site& b) {
  if (a.line() != b.line() || a.column() != b.column()) return false;
  // Most often one and the same text, which sanitizers are slow to compare.
  return a.file_name() == b.file_name() || std::strcmp(a.file_name(), b.file_name()) == 0;
}

// What device code calls.

void kernel_fault(cudaError_t error, const Site& site, const char* format, ...) {
  char text[512];
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  executor().fault(error, to_string(site) + ": " + text);
}

void* shared_array(const void* declaration, const char* name, size_t bytes, size_t alignment) {
  return executor().shared_array(declaration, name, bytes, alignment);
}

void* dynamic_shared() {
  return executor().dynamic_shared();
}

int lane_id() {
  return executor().lane();
}

unsigned active_mask() {
  return 1u << executor().lane();
}

int block_barrier(BarrierKind kind, bool predicate, const Site& site) {
  return executor().barrier(kind, predicate, site);
}

uint64_t warp_collective(WarpOp op, unsigned mask, uint64_t value, int source, const Site& site) {
  return executor().warp_collective(op, mask, value, source, site);
}

}  // namespace senet::sim
