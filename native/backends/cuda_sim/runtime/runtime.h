// The state of the simulated runtime, and the frame that every function of its API runs in.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "backends/cuda_sim/runtime/streams.h"

namespace senet::sim {

// Orders to fail, from control.h: counts down the calls that are left until the one that fails.
struct FaultOrders {
  uint64_t allocation = 0;
  uint64_t launch = 0;
  std::string function;
  uint64_t call = 0;
  int error = 0;
  uint64_t operation = 0;
  int operation_error = 0;
};

// A lock that its thread may take again: the API may be called by a host function that runs in a stream. Not a
// std::recursive_mutex, because the race detector, which takes the stream for a thread, would complain.
class ReentrantMutex {
 public:
  void lock() {
    if (owner_ != std::this_thread::get_id()) {
      mutex_.lock();
      owner_ = std::this_thread::get_id();
    }
    ++depth_;
  }
  void unlock() {
    if (--depth_ > 0) return;
    owner_ = std::thread::id();
    mutex_.unlock();
  }

 private:
  std::mutex mutex_;
  std::atomic<std::thread::id> owner_;
  int depth_ = 0;
};

struct Runtime {
  ReentrantMutex mutex;
  bool in_operation = false;  // an operation of a stream is running
  uint64_t operations = 0;    // that have run
  cudaError_t sticky = cudaSuccess;
  FaultOrders orders;
  CUstream_st legacy_stream;
  std::vector<CUstream_st*> streams;  // in the order of their creation
  std::set<CUevent_st*> events;
  std::set<CUgraph_st*> graphs;
  std::set<CUgraphExec_st*> executables;
  std::map<const std::byte*, size_t> pinned;
  std::map<const void*, size_t> dynamic_shared_limits;  // per kernel, from cudaFuncSetAttribute
  std::set<std::shared_ptr<Capture>> captures;
};

Runtime& runtime();

// How a function gets on with the rest of the state.
enum class CallKind {
  kOrdinary,  // refused after a sticky error
  kUnsafe,    // besides, not allowed while a stream is captured: it would wait or change what is captured
  kRelease,   // works after a sticky error too
  kQuery,     // the same, and its answer is not kept for cudaGetLastError()
};

// Counts down; true when the count reaches the call that is to fail.
bool order_due(uint64_t& count);

// What to return without doing anything, or cudaSuccess.
cudaError_t refusal(const char* function, CallKind kind);

// Notes the outcome for cudaGetLastError() of this thread.
cudaError_t remember(cudaError_t error);

cudaError_t last_error(bool forget);

// The frame: takes the lock, refuses what must be refused, runs `body`.
template <typename Body>
cudaError_t api_call(const char* function, CallKind kind, Body body) {
  Runtime& state = runtime();
  const std::lock_guard lock(state.mutex);
  cudaError_t error = refusal(function, kind);
  if (error == cudaSuccess) error = body(state);
  if (error == cudaSuccess && kind == CallKind::kRelease) error = state.sticky;
  return kind == CallKind::kQuery ? error : remember(error);
}

}  // namespace senet::sim
