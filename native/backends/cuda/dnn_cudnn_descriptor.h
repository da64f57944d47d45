// Descriptors of cuDNN's graph API as C++ objects, and the check of its calls.
#pragma once

#include <cudnn.h>

#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "core/error.h"

namespace senet::cuda {

// A failed call, before it is known for which layer it was made.
struct CudnnFailure {
  cudnnStatus_t status;
  std::string message;  // "<what>: <status> <last error string>"
};

// The failure of a call, with the library's own words.
CudnnFailure cudnn_failure(cudnnStatus_t status, const std::string& what);

// Throws CudnnFailure.
void check_cudnn(cudnnStatus_t status, const char* what);

// Throws CudnnFailure for a failed call of the CUDA runtime.
void check_cuda(cudaError_t status, const char* what);

inline bool is_unsupported(cudnnStatus_t status) {
  return status / 1000 == CUDNN_STATUS_NOT_SUPPORTED / 1000;
}

// Turns a failure into an Error "<layer>: cuDNN: <what>: <status> <last error string>".
[[noreturn]] void throw_error(const std::string& layer, const CudnnFailure& failure);

template <typename Call>
auto cudnn_call(const std::string& layer, const Call& call) {
  try {
    return call();
  } catch (const CudnnFailure& failure) {
    throw_error(layer, failure);
  }
}

// The attribute type that goes with a C++ type.
template <typename T>
constexpr cudnnBackendAttributeType_t cudnn_attribute_type() {
  if constexpr (std::is_same_v<T, int64_t>) return CUDNN_TYPE_INT64;
  if constexpr (std::is_same_v<T, float>) return CUDNN_TYPE_FLOAT;
  if constexpr (std::is_same_v<T, bool>) return CUDNN_TYPE_BOOLEAN;
  if constexpr (std::is_same_v<T, char>) return CUDNN_TYPE_CHAR;
  if constexpr (std::is_same_v<T, cudnnHandle_t>) return CUDNN_TYPE_HANDLE;
  if constexpr (std::is_same_v<T, cudnnDataType_t>) return CUDNN_TYPE_DATA_TYPE;
  if constexpr (std::is_same_v<T, cudnnConvolutionMode_t>) return CUDNN_TYPE_CONVOLUTION_MODE;
  if constexpr (std::is_same_v<T, cudnnPointwiseMode_t>) return CUDNN_TYPE_POINTWISE_MODE;
  if constexpr (std::is_same_v<T, cudnnReduceTensorOp_t>) return CUDNN_TYPE_REDUCTION_OPERATOR_TYPE;
  if constexpr (std::is_same_v<T, cudnnBackendHeurMode_t>) return CUDNN_TYPE_HEUR_MODE;
  if constexpr (std::is_same_v<T, cudnnBackendNumericalNote_t>) return CUDNN_TYPE_NUMERICAL_NOTE;
}

// Owns one descriptor.
class Descriptor {
 public:
  explicit Descriptor(cudnnBackendDescriptorType_t type);
  Descriptor(Descriptor&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }
  ~Descriptor();

  cudnnBackendDescriptor_t get() const { return handle_; }

  template <typename T>
  void set(cudnnBackendAttributeName_t name, const T& value) {
    set_raw(name, cudnn_attribute_type<T>(), 1, &value);
  }
  template <typename T>
  void set_all(cudnnBackendAttributeName_t name, const std::vector<T>& values) {
    set_raw(name, cudnn_attribute_type<T>(), static_cast<int64_t>(values.size()), values.data());
  }
  // References to other descriptors, which must be finalized.
  void refer(cudnnBackendAttributeName_t name, const Descriptor& other);
  void refer_all(cudnnBackendAttributeName_t name, const std::vector<const Descriptor*>& others);
  void set_pointers(cudnnBackendAttributeName_t name, const std::vector<void*>& pointers);
  void set_text(cudnnBackendAttributeName_t name, const std::string& text);

  void finalize();
  cudnnStatus_t try_finalize() { return cudnnBackendFinalize(handle_); }

  int64_t integer(cudnnBackendAttributeName_t name) const;
  // Fills `other`, which is new, with the descriptor that an attribute refers to.
  void read(cudnnBackendAttributeName_t name, const Descriptor& other) const;
  // How many values an attribute has.
  int64_t count(cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type) const;
  // The same for several at once; returns how many were filled in, which may be fewer than count() told.
  int64_t read_all(cudnnBackendAttributeName_t name, const std::vector<Descriptor>& others) const;
  std::vector<cudnnBackendNumericalNote_t> numerical_notes() const;
  std::string text(cudnnBackendAttributeName_t name) const;

 private:
  void set_raw(cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type, int64_t count,
               const void* values);

  cudnnBackendDescriptor_t handle_ = nullptr;
};

}  // namespace senet::cuda
