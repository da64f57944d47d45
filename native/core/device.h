// A device: a backend, the thread its programs run on, and the memory they share.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "backends/backend.h"

namespace senet {

class Device {
 public:
  // `memory_limit` bounds the bytes of one program's intermediates; 0 stands for no limit.
  Device(std::unique_ptr<Backend> backend, size_t memory_limit);
  // Waits for the job in progress. Must not be called from the device's own thread.
  ~Device();
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;

  // Queues a job; jobs run one after the other on the device's thread. A job must not throw.
  void submit(std::function<void()> job);
  // Drops the queued jobs, asks the running program to stop between two steps, and waits for the thread. From
  // any thread but the device's own, any number of times.
  void stop();
  // Frees memory once the jobs queued before are done. From any thread.
  void retire(std::unique_ptr<Memory> memory);

  const Backend& backend() const { return *backend_; }
  size_t memory_limit() const { return memory_limit_; }

  // The rest is for the device's thread alone.

  // Does what a job is for. When that fails and leaves the device unable to compute, this and all later work
  // fails with an Error that tells the first cause.
  void perform(const std::function<void()>& work);
  // Set when the device is going away: a program stops at its next step.
  bool stopping() const { return stopping_.load(std::memory_order_relaxed); }
  // Makes the arena at least this large and returns its address; growing moves it and loses what it held. `purpose`
  // is for the message when there is not that much.
  std::byte* reserve_arena(size_t bytes, const std::string& purpose);
  // Changes whenever a tensor's contents do, so that programs know when to recompute what they derive from
  // them.
  uint64_t tensor_version() const { return tensor_version_; }
  void tensors_changed() { ++tensor_version_; }

 private:
  void loop();

  std::unique_ptr<Backend> backend_;
  size_t memory_limit_;
  std::unique_ptr<Memory> arena_;
  uint64_t tensor_version_ = 1;
  std::string lost_by_;  // the first cause; empty while the device works
  std::atomic<bool> stopping_ = false;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> jobs_;
  std::vector<std::unique_ptr<Memory>> retired_;
  bool closing_ = false;
  std::mutex join_mutex_;
  std::thread thread_;
};

}  // namespace senet
