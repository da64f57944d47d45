// Runs kernels: one block at a time, its threads one at a time, each on a stack of its own from which it can
// be taken at a barrier or a warp operation. A thread that finishes hands its stack to the next one, so that
// a kernel without barriers is a plain loop.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "backends/cuda_sim/language/launch.h"
#include "backends/cuda_sim/language/synchronisation.h"
#include "backends/cuda_sim/language/warp.h"
#include "backends/cuda_sim/simt/context.h"
#include "backends/cuda_sim/simt/shared_arrays.h"

namespace senet::sim {

inline constexpr int kMaxBlockThreads = 1024;
inline constexpr int kWarpLanes = 32;

struct GridLaunch {
  std::string name;
  dim3 grid;
  dim3 block;
  size_t dynamic_shared;
  bool raised_shared_limit;  // cudaFuncSetAttribute was called for the kernel
  std::shared_ptr<const BoundKernel> kernel;
};

enum class ThreadState { kNew, kReady, kRunning, kAtBarrier, kInWarpOp, kReturned };

struct SimThread {
  int id = 0;
  uint3 index = {};
  ThreadState state = ThreadState::kNew;
  FiberStack* stack = nullptr;      // where it is suspended
  FiberStack* own_stack = nullptr;  // under the race detector a stack belongs to an identity
  void* identity = nullptr;
  uint64_t result = 0;  // of the barrier or warp operation it waits for
  Site site;            // where it waits
};

// A barrier that some threads have come to.
struct BlockBarrier {
  int waiting = 0;
  int predicates = 0;
  BarrierKind kind = BarrierKind::kPlain;
  Site site;
  int phase = 0;  // a fast thread comes to the next barrier before a slow one has left this one
  char tags[2] = {};
};

// A warp operation that some lanes have come to.
struct WarpGroup {
  WarpOp op;
  unsigned mask;
  unsigned arrived;
  Site site;
  uint64_t values[kWarpLanes];
  int sources[kWarpLanes];
};

struct Warp {
  unsigned alive = 0;  // lanes that have not returned
  std::vector<WarpGroup> groups;
  int phase = 0;
  char tags[2] = {};
};

class Executor {
 public:
  cudaError_t run(const GridLaunch& launch);

  // Called by simulated threads.
  int barrier(BarrierKind kind, bool predicate, const Site& site);
  uint64_t warp_collective(WarpOp op, unsigned mask, uint64_t value, int source, const Site& site);
  void* shared_array(const void* declaration, const char* name, size_t bytes, size_t alignment);
  void* dynamic_shared();
  [[noreturn]] void fault(cudaError_t error, const std::string& text);

  bool running() const { return current_ != nullptr; }
  int lane() const { return current_->id % kWarpLanes; }
  // "kernel k, block (0,0,0), thread (3,0,0)"
  std::string place() const;

 private:
  class Inside;

  void number_threads();
  void run_block(uint3 index);
  void begin_block(uint3 index);
  void end_block();
  bool step();
  void report_deadlock();
  void resume(FiberStack& stack);
  void suspend(ThreadState state);
  void return_to_scheduler();
  static void fiber_entry();
  void run_threads();
  void thread_returned();
  FiberStack* stack_for_new_thread();
  void abandon_stacks();
  void make_current(SimThread& thread);

  void release_barrier();
  void complete_warp_group(int warp, size_t group);
  WarpGroup& join_warp_group(Warp& warp, WarpOp op, unsigned mask, const Site& site);

  const GridLaunch* launch_ = nullptr;
  uint3 block_ = {};
  int count_ = 0;  // threads of a block
  int live_ = 0;   // of them not returned
  bool failed_ = false;
  cudaError_t error_ = cudaSuccess;

  std::vector<SimThread> threads_ = std::vector<SimThread>(kMaxBlockThreads);
  SimThread* current_ = nullptr;
  std::vector<int> order_;  // in which threads start
  size_t started_ = 0;
  std::vector<int> ready_;  // threads that may go on, from next_ready_
  size_t next_ready_ = 0;
  BlockBarrier barrier_;
  std::vector<Warp> warps_ = std::vector<Warp>(kMaxBlockThreads / kWarpLanes);
  SharedArrays shared_;

  std::vector<std::unique_ptr<FiberStack>> stacks_;
  std::vector<FiberStack*> free_stacks_;
  FiberStack* running_stack_ = nullptr;
  Context scheduler_;
  void* scheduler_sanitizer_ = nullptr;
  const void* scheduler_bottom_ = nullptr;
  size_t scheduler_bytes_ = 0;
  void* scheduler_identity_ = nullptr;
  char start_tag_ = 0;
  char end_tag_ = 0;
};

// The one of the process; used under the runtime's lock.
Executor& executor();

// For the race detector: while this lives, the simulator works on its own account and not as the simulated
// thread, so that its bookkeeping orders no threads.
class Executor::Inside {
 public:
  explicit Inside(Executor& executor);
  ~Inside();
  Inside(const Inside&) = delete;
  Inside& operator=(const Inside&) = delete;

 private:
  Executor& executor_;
};

// "file:line"
std::string to_string(const Site& site);

// Whether both name the same call.
bool same_site(const Site& a, const Site& b);

}  // namespace senet::sim
