// Bytes on one device that outlive a run: a parameter or a state, in plain form (see lib/ir/graph.ts).
#pragma once

#include <cstddef>
#include <memory>

#include "core/device.h"

namespace senet {

class Tensor {
 public:
  // Of zeros; the memory is taken when it is first used.
  Tensor(std::shared_ptr<Device> device, size_t bytes) : device_(std::move(device)), size_(bytes) {}
  // From any thread.
  ~Tensor() { device_->retire(std::move(memory_)); }
  Tensor(const Tensor&) = delete;
  Tensor& operator=(const Tensor&) = delete;

  const Device& device() const { return *device_; }
  size_t size() const { return size_; }
  // On the device's thread. Throws Error(kOutOfMemory).
  std::byte* data() {
    if (memory_ == nullptr && size_ > 0) memory_ = device_->backend().allocate(size_, "a tensor");
    return memory_ == nullptr ? nullptr : memory_->data();
  }

 private:
  std::shared_ptr<Device> device_;
  size_t size_;
  std::unique_ptr<Memory> memory_;
};

}  // namespace senet
