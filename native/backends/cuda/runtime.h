// The CUDA runtime behind objects that free what they hold, and errors of senet's own.
#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>
#include <memory>
#include <string>

#include "backends/backend.h"

namespace senet::cuda {

// Throws unless the call succeeded: Error(kOutOfMemory) when memory ran out, otherwise Error(kInternal). `what`
// says what was tried.
void check_cuda(cudaError_t status, const std::string& what);

class Stream {
 public:
  Stream();
  ~Stream();
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  cudaStream_t get() const { return stream_; }
  // Waits for all that was queued.
  void synchronize() const;

 private:
  cudaStream_t stream_ = nullptr;
};

class Event {
 public:
  Event();
  ~Event();
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;

  void record(const Stream& stream);
  // Lets what is queued there later wait for what was recorded.
  void hold(const Stream& stream) const;
  // Between two recorded events the device has passed.
  static double milliseconds(const Event& from, const Event& to);

 private:
  cudaEvent_t event_ = nullptr;
};

// Milliseconds that what launch() queues takes: the mean of several runs, after one to warm up.
template <typename Launch>
double milliseconds_of(const Stream& stream, const Launch& launch) {
  constexpr int kRuns = 8;
  launch();
  Event start, stop;
  start.record(stream);
  for (int i = 0; i < kRuns; ++i) launch();
  stop.record(stream);
  stream.synchronize();
  return Event::milliseconds(start, stop) / kRuns;
}

// Zeroed device memory, in the order of a stream: what is queued later may use it, what was queued before it is
// freed still may.
class DeviceMemory final : public Memory {
 public:
  DeviceMemory(std::shared_ptr<const Stream> stream, size_t bytes, const std::string& purpose);
  ~DeviceMemory() override;

 private:
  std::shared_ptr<const Stream> stream_;
};

// Host memory that the device copies from and to without a detour.
class PinnedMemory {
 public:
  explicit PinnedMemory(size_t bytes);
  ~PinnedMemory();
  PinnedMemory(const PinnedMemory&) = delete;
  PinnedMemory& operator=(const PinnedMemory&) = delete;

  void* data() const { return data_; }
  size_t size() const { return size_; }

 private:
  void* data_ = nullptr;
  size_t size_;
};

// Sends on a stream of its own, so that copies overlap with what the device computes.
class PinnedStaging final : public Staging {
 public:
  // compute: the stream in which delivered bytes are used.
  PinnedStaging(int device, std::shared_ptr<const Stream> compute, size_t bytes);
  ~PinnedStaging() override;

  void send(size_t offset, size_t bytes) override;
  void deliver(std::byte* to, size_t offset, size_t bytes) override;

 private:
  PinnedStaging(int device, std::shared_ptr<const Stream> compute, std::unique_ptr<PinnedMemory> host);

  int device_;
  std::shared_ptr<const Stream> compute_;
  std::unique_ptr<PinnedMemory> host_;
  DeviceMemory arrived_;
  Stream upload_;
  Event sent_;
  cudaError_t failed_ = cudaSuccess;  // of send()
};

}  // namespace senet::cuda
