#include "backends/cuda_sim/cudnn/record.h"

#include <unordered_map>
#include <unordered_set>

namespace senet::sim {

namespace {

// Never destroyed: descriptors may outlive everything else when the process ends.
std::unordered_map<const void*, std::unique_ptr<CudnnRecord>>& records() {
  static auto* records = new std::unordered_map<const void*, std::unique_ptr<CudnnRecord>>();
  return *records;
}

std::unordered_set<cudnnHandle_t>& handles() {
  static auto* handles = new std::unordered_set<cudnnHandle_t>();
  return *handles;
}

}  // namespace

CudnnRecord* create_record(cudnnBackendDescriptorType_t type) {
  auto record = std::make_unique<CudnnRecord>(type);
  CudnnRecord* address = record.get();
  records().emplace(address, std::move(record));
  return address;
}

void destroy_record(cudnnBackendDescriptor_t descriptor) {
  live_record(descriptor);
  records().erase(descriptor);
}

CudnnRecord& live_record(cudnnBackendDescriptor_t descriptor) {
  const auto found = records().find(descriptor);
  if (found == records().end()) throw CudnnFault{CUDNN_STATUS_BAD_PARAM, "no descriptor is alive there"};
  return *found->second;
}

CudnnRecord& finalized_record(cudnnBackendDescriptor_t descriptor) {
  CudnnRecord& record = live_record(descriptor);
  if (!record.finalized)
    throw CudnnFault{CUDNN_STATUS_BAD_PARAM_NOT_FINALIZED, "a descriptor is not finalized"};
  return record;
}

CudnnRecord& referred(const CudnnRecord& record, cudnnBackendAttributeName_t name) {
  return finalized_record(record.value<void*>(name));
}

cudnnHandle_t create_handle() {
  return *handles().insert(new cudnnContext).first;
}

void destroy_handle(cudnnHandle_t handle) {
  require_handle(handle);
  handles().erase(handle);
  delete handle;
}

void require_handle(cudnnHandle_t handle) {
  if (handles().count(handle) == 0) throw CudnnFault{CUDNN_STATUS_BAD_PARAM, "no handle is alive there"};
}

size_t live_objects() {
  return records().size() + handles().size();
}

}  // namespace senet::sim
