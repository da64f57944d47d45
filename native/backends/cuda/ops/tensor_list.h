// Descriptors of many tensors in device memory, for kernels that work on all of them in one launch.
#pragma once

#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <vector>

#include "backends/cuda/ops/step.h"

namespace senet::cuda {

// 1 if all start at multiples of 16 bytes, as vectors in memory must, else 0.
inline int32_t are_aligned(std::initializer_list<const void*> starts) {
  const auto aligned = [](const void* start) { return reinterpret_cast<uintptr_t>(start) % 16 == 0; };
  return std::all_of(starts.begin(), starts.end(), aligned) ? 1 : 0;
}

// `Descriptor` has a member `elements`.
template <typename Descriptor>
class TensorList {
 public:
  void add(const Descriptor& tensor) {
    tensors_.push_back(tensor);
    largest_ = std::max(largest_, tensor.elements);
  }

  Descriptor& operator[](size_t i) { return tensors_[i]; }
  int count() const { return static_cast<int>(tensors_.size()); }
  int64_t largest() const { return largest_; }
  size_t bytes() const { return tensors_.size() * sizeof(Descriptor); }

  // Copies the descriptors to the device; the list must not change before the stream got there.
  void upload(void* device, const Stream& stream) {
    device_ = static_cast<const Descriptor*>(device);
    if (tensors_.empty()) return;
    check_cuda(cudaMemcpyAsync(device, tensors_.data(), bytes(), cudaMemcpyHostToDevice, stream.get()),
               "uploading a list of tensors");
    stream.synchronize();
  }
  const Descriptor* device() const { return device_; }

 private:
  std::vector<Descriptor> tensors_;
  const Descriptor* device_ = nullptr;
  int64_t largest_ = 0;
};

}  // namespace senet::cuda
