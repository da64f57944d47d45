#include "backends/cuda/runtime.h"

#include <utility>

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

void Event::hold(const Stream& stream) const {
  check_cuda(cudaStreamWaitEvent(stream.get(), event_, 0), "waiting for an event");
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

PinnedStaging::PinnedStaging(int device, std::shared_ptr<const Stream> compute, size_t bytes)
    : PinnedStaging(device, std::move(compute), std::make_unique<PinnedMemory>(bytes)) {}

PinnedStaging::PinnedStaging(int device, std::shared_ptr<const Stream> compute,
                             std::unique_ptr<PinnedMemory> host)
    : Staging(static_cast<std::byte*>(host->data()), host->size()),
      device_(device),
      compute_(std::move(compute)),
      host_(std::move(host)),
      arrived_(compute_, host_->size(), "the inputs of a run") {
  // Zeroed in the order of a stream that send() knows nothing of.
  compute_->synchronize();
}

// Bytes that were never delivered may still be on their way.
PinnedStaging::~PinnedStaging() {
  cudaStreamSynchronize(upload_.get());
}

void PinnedStaging::send(size_t offset, size_t bytes) {
  if (failed_ != cudaSuccess) return;
  failed_ = cudaSetDevice(device_);
  if (failed_ != cudaSuccess) return;
  failed_ = cudaMemcpyAsync(arrived_.data() + offset, data() + offset, bytes, cudaMemcpyHostToDevice,
                            upload_.get());
}

void PinnedStaging::deliver(std::byte* to, size_t offset, size_t bytes) {
  check_cuda(std::exchange(failed_, cudaSuccess), "sending inputs to the GPU");
  if (bytes == 0) return;
  sent_.record(upload_);
  sent_.hold(*compute_);
  check_cuda(cudaMemcpyAsync(to, arrived_.data() + offset, bytes, cudaMemcpyDeviceToDevice, compute_->get()),
             "copying inputs on the GPU");
}

}  // namespace senet::cuda
