#include "backends/cuda/runtime.h"

#include "core/error.h"

namespace senet::cuda {

namespace {

std::byte* allocate(cudaStream_t stream, size_t bytes, const std::string& purpose) {
  if (bytes == 0) return nullptr;
  void* data = nullptr;
  const std::string what = "allocating " + std::to_string(bytes) + " bytes for " + purpose;
  check_cuda(cudaMallocAsync(&data, bytes, stream), what);
  const cudaError_t cleared = cudaMemsetAsync(data, 0, bytes, stream);
  if (cleared != cudaSuccess) cudaFreeAsync(data, stream);
  check_cuda(cleared, what);
  return static_cast<std::byte*>(data);
}

}  // namespace

void check_cuda(cudaError_t status, const std::string& what) {
  if (status == cudaSuccess) return;
  cudaGetLastError();  // an error that does not stick is dealt with here
  if (status == cudaErrorMemoryAllocation) {
    throw Error(ErrorCode::kOutOfMemory, "not enough memory on the GPU: " + what);
  }
  throw Error(ErrorCode::kInternal,
              "CUDA: " + what + ": " + cudaGetErrorName(status) + ": " + cudaGetErrorString(status));
}

Stream::Stream() {
  check_cuda(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), "making a stream");
}

// Errors of what is being given up are of no use to anybody.
Stream::~Stream() {
  cudaStreamDestroy(stream_);
}

void Stream::synchronize() const {
  check_cuda(cudaStreamSynchronize(stream_), "waiting for the GPU");
}

Event::Event() {
  check_cuda(cudaEventCreateWithFlags(&event_, cudaEventDefault), "making an event");
}

Event::~Event() {
  cudaEventDestroy(event_);
}

void Event::record(const Stream& stream) {
  check_cuda(cudaEventRecord(event_, stream.get()), "recording an event");
}

double Event::milliseconds(const Event& from, const Event& to) {
  float ms = 0;
  check_cuda(cudaEventElapsedTime(&ms, from.event_, to.event_), "reading a time");
  return ms;
}

DeviceMemory::DeviceMemory(std::shared_ptr<const Stream> stream, size_t bytes, const std::string& purpose)
    : Memory(allocate(stream->get(), bytes, purpose), bytes), stream_(std::move(stream)) {}

DeviceMemory::~DeviceMemory() {
  if (data() != nullptr) cudaFreeAsync(data(), stream_->get());
}

PinnedMemory::PinnedMemory(size_t bytes) : size_(bytes) {
  if (bytes > 0) {
    check_cuda(cudaMallocHost(&data_, bytes), "pinning " + std::to_string(bytes) + " bytes of host memory");
  }
}

PinnedMemory::~PinnedMemory() {
  if (data_ != nullptr) cudaFreeHost(data_);
}

}  // namespace senet::cuda
