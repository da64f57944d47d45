#include "backends/cuda/dnn_cudnn_descriptor.h"

namespace senet::cuda {

CudnnFailure cudnn_failure(cudnnStatus_t status, const std::string& what) {
  char detail[512] = "";
  cudnnGetLastErrorString(detail, sizeof detail);
  return {status, what + ": " + cudnnGetErrorString(status) + (detail[0] ? " " : "") + detail};
}

void check_cudnn(cudnnStatus_t status, const char* what) {
  if (status != CUDNN_STATUS_SUCCESS) throw cudnn_failure(status, what);
}

void check_cuda(cudaError_t status, const char* what) {
  if (status == cudaSuccess) return;
  cudaGetLastError();  // told here, not to whoever asks next
  const bool memory = status == cudaErrorMemoryAllocation;
  throw CudnnFailure{
      memory ? CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED : CUDNN_STATUS_EXECUTION_FAILED_CUDART,
      std::string(what) + ": " + cudaGetErrorString(status)};
}

void throw_error(const std::string& layer, const CudnnFailure& failure) {
  ErrorCode code = ErrorCode::kInternal;
  if (is_unsupported(failure.status)) code = ErrorCode::kUnsupported;
  if (failure.status == CUDNN_STATUS_INTERNAL_ERROR_HOST_ALLOCATION_FAILED ||
      failure.status == CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED) {
    code = ErrorCode::kOutOfMemory;
  }
  throw Error(code, layer + ": cuDNN: " + failure.message);
}

Descriptor::Descriptor(cudnnBackendDescriptorType_t type) {
  check_cudnn(cudnnBackendCreateDescriptor(type, &handle_), "cudnnBackendCreateDescriptor");
}

Descriptor::~Descriptor() {
  if (handle_ != nullptr) cudnnBackendDestroyDescriptor(handle_);
}

void Descriptor::set_raw(cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type, int64_t count,
                         const void* values) {
  const auto status = cudnnBackendSetAttribute(handle_, name, type, count, values);
  if (status == CUDNN_STATUS_SUCCESS) return;
  throw cudnn_failure(status, "cudnnBackendSetAttribute(" + std::to_string(name) + ")");
}

void Descriptor::refer(cudnnBackendAttributeName_t name, const Descriptor& other) {
  set_raw(name, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &other.handle_);
}

void Descriptor::refer_all(cudnnBackendAttributeName_t name, const std::vector<const Descriptor*>& others) {
  std::vector<cudnnBackendDescriptor_t> handles;
  for (const Descriptor* other : others) handles.push_back(other->handle_);
  set_raw(name, CUDNN_TYPE_BACKEND_DESCRIPTOR, static_cast<int64_t>(handles.size()), handles.data());
}

void Descriptor::set_pointers(cudnnBackendAttributeName_t name, const std::vector<void*>& pointers) {
  set_raw(name, CUDNN_TYPE_VOID_PTR, static_cast<int64_t>(pointers.size()), pointers.data());
}

void Descriptor::set_text(cudnnBackendAttributeName_t name, const std::string& text) {
  // With the terminating zero: the library reads the text as a C string.
  set_raw(name, CUDNN_TYPE_CHAR, static_cast<int64_t>(text.size() + 1), text.c_str());
}

void Descriptor::finalize() {
  check_cudnn(try_finalize(), "cudnnBackendFinalize");
}

int64_t Descriptor::integer(cudnnBackendAttributeName_t name) const {
  int64_t value = 0, count = 0;
  check_cudnn(cudnnBackendGetAttribute(handle_, name, CUDNN_TYPE_INT64, 1, &count, &value),
              "cudnnBackendGetAttribute");
  return value;
}

void Descriptor::read(cudnnBackendAttributeName_t name, const Descriptor& other) const {
  int64_t count = 0;
  cudnnBackendDescriptor_t handle = other.handle_;
  check_cudnn(cudnnBackendGetAttribute(handle_, name, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &count, &handle),
              "cudnnBackendGetAttribute");
}

int64_t Descriptor::count(cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type) const {
  int64_t count = 0;
  check_cudnn(cudnnBackendGetAttribute(handle_, name, type, 0, &count, nullptr), "cudnnBackendGetAttribute");
  return count;
}

int64_t Descriptor::read_all(cudnnBackendAttributeName_t name, const std::vector<Descriptor>& others) const {
  if (others.empty()) return 0;
  std::vector<cudnnBackendDescriptor_t> handles;
  for (const Descriptor& other : others) handles.push_back(other.handle_);
  int64_t count = 0;
  check_cudnn(cudnnBackendGetAttribute(handle_, name, CUDNN_TYPE_BACKEND_DESCRIPTOR,
                                       static_cast<int64_t>(handles.size()), &count, handles.data()),
              "cudnnBackendGetAttribute");
  return count;
}

std::vector<cudnnBackendNumericalNote_t> Descriptor::numerical_notes() const {
  std::vector<cudnnBackendNumericalNote_t> notes(CUDNN_NUMERICAL_NOTE_TYPE_COUNT);
  int64_t count = 0;
  check_cudnn(cudnnBackendGetAttribute(handle_, CUDNN_ATTR_ENGINE_NUMERICAL_NOTE, CUDNN_TYPE_NUMERICAL_NOTE,
                                       static_cast<int64_t>(notes.size()), &count, notes.data()),
              "cudnnBackendGetAttribute");
  notes.resize(static_cast<size_t>(count));
  return notes;
}

std::string Descriptor::text(cudnnBackendAttributeName_t name) const {
  std::string value(static_cast<size_t>(count(name, CUDNN_TYPE_CHAR)), '\0');
  int64_t filled = 0;
  check_cudnn(cudnnBackendGetAttribute(handle_, name, CUDNN_TYPE_CHAR, static_cast<int64_t>(value.size()),
                                       &filled, value.data()),
              "cudnnBackendGetAttribute");
  value.resize(static_cast<size_t>(filled));
  while (!value.empty() && value.back() == '\0') value.pop_back();
  return value;
}

}  // namespace senet::cuda
