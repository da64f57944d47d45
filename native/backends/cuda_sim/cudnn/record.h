// Emulated cuDNN: what stands behind a descriptor, and the attributes each sort of descriptor takes.
#pragma once

#include <cudnn.h>

#include <cstddef>
#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "backends/cuda_sim/cudnn/engines.h"
#include "backends/cuda_sim/cudnn/graph.h"

struct cudnnContext {
  cudaStream_t stream = nullptr;
};

namespace senet::sim {

// A call that is refused; the outermost function turns it into a status and the last error's text.
struct CudnnFault {
  cudnnStatus_t status;
  std::string message;
};

struct CudnnRecord {
  struct Attribute {
    cudnnBackendAttributeType_t type;
    int64_t count;
    std::vector<std::byte> bytes;
  };

  explicit CudnnRecord(cudnnBackendDescriptorType_t type) : type(type) {}

  cudnnBackendDescriptorType_t type;
  bool finalized = false;
  std::map<int, Attribute> attributes;

  // What finalizing made of the attributes, each for the sorts it belongs to.
  CudnnTensor tensor;
  CudnnOperation operation;
  std::shared_ptr<const CudnnGraph> graph;  // graph, heuristics, configuration, engine, plan
  std::vector<const CudnnEngine*> engines;  // heuristics: those suggested; configuration, engine, plan: one
  cudnnHandle_t handle = nullptr;           // plan

  bool has(cudnnBackendAttributeName_t name) const { return attributes.count(name) != 0; }

  template <typename T>
  std::vector<T> values(cudnnBackendAttributeName_t name) const {
    const auto found = attributes.find(name);
    if (found == attributes.end()) return {};
    std::vector<T> values(static_cast<size_t>(found->second.count));
    std::memcpy(values.data(), found->second.bytes.data(), values.size() * sizeof(T));
    return values;
  }
  template <typename T>
  T value(cudnnBackendAttributeName_t name) const {
    T value;
    std::memcpy(&value, attributes.at(name).bytes.data(), sizeof value);
    return value;
  }
};

// The descriptors and handles that are alive. All functions of the library run under one lock.
CudnnRecord* create_record(cudnnBackendDescriptorType_t type);
void destroy_record(cudnnBackendDescriptor_t descriptor);
// Throws CudnnFault for what is not alive.
CudnnRecord& live_record(cudnnBackendDescriptor_t descriptor);
CudnnRecord& finalized_record(cudnnBackendDescriptor_t descriptor);
cudnnHandle_t create_handle();
void destroy_handle(cudnnHandle_t handle);
void require_handle(cudnnHandle_t handle);
size_t live_objects();

// The record that an attribute of another refers to.
CudnnRecord& referred(const CudnnRecord& record, cudnnBackendAttributeName_t name);

// Throws when a sort of descriptor has no such attribute, or not of that type or number.
void check_attribute(cudnnBackendDescriptorType_t sort, cudnnBackendAttributeName_t name,
                     cudnnBackendAttributeType_t type, int64_t count);
// Throws when an attribute is missing that this sort cannot do without.
void check_complete(const CudnnRecord& record);
size_t size_of(cudnnBackendAttributeType_t type);

// Checks the attributes of a record against each other and makes of them what it stands for.
void finalize_record(CudnnRecord* record);
// The same for single sorts.
void finalize_operation(CudnnRecord* record);
void finalize_graph(CudnnRecord* record);
void finalize_plan(CudnnRecord* record);

// Text from which a plan can be made again.
std::string plan_text(const CudnnRecord& plan);

// Checks a variant pack against a plan and queues the work.
void execute_plan(cudnnHandle_t handle, const CudnnRecord& plan, const CudnnRecord& pack);

}  // namespace senet::sim
