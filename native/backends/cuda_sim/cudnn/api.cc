// The functions of cudnn.h and of control.h. Each takes the lock, and turns faults into a status and a
// message.
#include <cudnn.h>

#include <cstdio>
#include <cstring>
#include <mutex>
#include <string>

#include "backends/cuda_sim/cudnn/control.h"
#include "backends/cuda_sim/cudnn/orders.h"
#include "backends/cuda_sim/cudnn/record.h"
#include "backends/cuda_sim/device_access.h"

namespace senet::sim {
namespace {

std::mutex lock;
thread_local std::string last_error;

template <typename Call>
cudnnStatus_t guarded(const char* function, const Call& call) {
  const std::lock_guard<std::mutex> held(lock);
  try {
    int ordered = 0;
    if (should_fail(function, &ordered)) {
      throw CudnnFault{static_cast<cudnnStatus_t>(ordered),
                       std::string(function) + " failed by order of the test"};
    }
    call();
    return CUDNN_STATUS_SUCCESS;
  } catch (const CudnnFault& fault) {
    last_error = fault.message;
    return fault.status;
  } catch (const std::exception& error) {
    last_error = error.what();
    return CUDNN_STATUS_INTERNAL_ERROR;
  }
}

void require_pointer(const void* pointer) {
  if (pointer == nullptr) throw CudnnFault{CUDNN_STATUS_BAD_PARAM_NULL_POINTER, "a null pointer"};
}

void set_attribute(CudnnRecord* record, cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type,
                   int64_t count, const void* elements) {
  require_pointer(elements);
  if (record->finalized) throw CudnnFault{CUDNN_STATUS_BAD_PARAM, "an attribute is set after finalizing"};
  check_attribute(record->type, name, type, count);
  if (type == CUDNN_TYPE_BACKEND_DESCRIPTOR) {
    for (int64_t i = 0; i < count; ++i) finalized_record(static_cast<void* const*>(elements)[i]);
  }
  const auto* bytes = static_cast<const std::byte*>(elements);
  record->attributes[name] = {type, count, {bytes, bytes + static_cast<size_t>(count) * size_of(type)}};
}

// Fills descriptors that the caller has created with what heuristics found. More are announced than there
// are: the real library does that too.
void read_suggestions(const CudnnRecord& record, int64_t capacity, int64_t* count, void* elements) {
  constexpr int64_t kTooMany = 2;
  const auto found = static_cast<int64_t>(record.engines.size());
  require_pointer(count);
  if (elements == nullptr) {
    *count = found == 0 ? 0 : found + kTooMany;
    return;
  }
  *count = found < capacity ? found : capacity;
  for (int64_t i = 0; i < *count; ++i) {
    CudnnRecord& configuration = live_record(static_cast<void**>(elements)[i]);
    if (configuration.type != CUDNN_BACKEND_ENGINECFG_DESCRIPTOR || configuration.finalized) {
      throw CudnnFault{CUDNN_STATUS_BAD_PARAM_DESCRIPTOR_TYPE, "a new engine configuration was expected"};
    }
    configuration.graph = record.graph;
    configuration.engines = {record.engines[static_cast<size_t>(i)]};
    configuration.finalized = true;
  }
}

void read_engine(const CudnnRecord& configuration, void* elements) {
  require_pointer(elements);
  CudnnRecord& engine = live_record(*static_cast<void**>(elements));
  if (engine.type != CUDNN_BACKEND_ENGINE_DESCRIPTOR || engine.finalized) {
    throw CudnnFault{CUDNN_STATUS_BAD_PARAM_DESCRIPTOR_TYPE, "a new engine was expected"};
  }
  engine.graph = configuration.graph;
  engine.engines = configuration.engines;
  engine.finalized = true;
}

template <typename T>
void read_values(const T* values, size_t size, int64_t capacity, int64_t* count, void* elements) {
  if (count != nullptr) *count = static_cast<int64_t>(size);
  if (elements == nullptr) return;
  if (capacity < static_cast<int64_t>(size)) {
    throw CudnnFault{CUDNN_STATUS_BAD_PARAM_SIZE_INSUFFICIENT, "more values than there is room for"};
  }
  if (size > 0) std::memcpy(elements, values, size * sizeof(T));
}

void get_attribute(const CudnnRecord& record, cudnnBackendAttributeName_t name,
                   cudnnBackendAttributeType_t type, int64_t capacity, int64_t* count, void* elements) {
  const auto expect = [&](cudnnBackendDescriptorType_t sort, cudnnBackendAttributeType_t expected) {
    if (record.type != sort) throw CudnnFault{CUDNN_STATUS_BAD_PARAM, "this sort has no such attribute"};
    if (type != expected)
      throw CudnnFault{CUDNN_STATUS_BAD_PARAM_ATTRIBUTE_TYPE, "the attribute has another type"};
  };
  const auto integer = [&](int64_t value) { read_values(&value, 1, capacity, count, elements); };
  switch (name) {
    case CUDNN_ATTR_ENGINEHEUR_RESULTS:
      expect(CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR, CUDNN_TYPE_BACKEND_DESCRIPTOR);
      return read_suggestions(record, capacity, count, elements);
    case CUDNN_ATTR_ENGINECFG_ENGINE:
      expect(CUDNN_BACKEND_ENGINECFG_DESCRIPTOR, CUDNN_TYPE_BACKEND_DESCRIPTOR);
      return read_engine(record, elements);
    case CUDNN_ATTR_ENGINE_GLOBAL_INDEX:
      expect(CUDNN_BACKEND_ENGINE_DESCRIPTOR, CUDNN_TYPE_INT64);
      return integer(record.engines.front()->index);
    case CUDNN_ATTR_ENGINE_NUMERICAL_NOTE: {
      expect(CUDNN_BACKEND_ENGINE_DESCRIPTOR, CUDNN_TYPE_NUMERICAL_NOTE);
      const auto& notes = record.engines.front()->notes;
      return read_values(notes.data(), notes.size(), capacity, count, elements);
    }
    case CUDNN_ATTR_ENGINE_BEHAVIOR_NOTE: {
      expect(CUDNN_BACKEND_ENGINE_DESCRIPTOR, CUDNN_TYPE_BEHAVIOR_NOTE);
      const auto note = CUDNN_BEHAVIOR_NOTE_RUNTIME_COMPILATION;
      return read_values(&note, record.engines.front()->compiled ? 1 : 0, capacity, count, elements);
    }
    case CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE:
      expect(CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR, CUDNN_TYPE_INT64);
      return integer(record.engines.front()->workspace_bytes);
    case CUDNN_ATTR_EXECUTION_PLAN_JSON_REPRESENTATION: {
      expect(CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR, CUDNN_TYPE_CHAR);
      const std::string text = plan_text(record);
      return read_values(text.c_str(), text.size() + 1, capacity, count, elements);
    }
    default:
      throw CudnnFault{CUDNN_STATUS_NOT_SUPPORTED,
                       "attribute " + std::to_string(name) + " cannot be read here"};
  }
}

}  // namespace
}  // namespace senet::sim

using namespace senet::sim;

extern "C" {

size_t cudnnGetVersion(void) {
  return CUDNN_MAJOR * 10000 + CUDNN_MINOR * 100 + CUDNN_PATCHLEVEL;
}

const char* cudnnGetErrorString(cudnnStatus_t status) {
  switch (status / 1000) {
    case 0:
      return "CUDNN_STATUS_SUCCESS";
    case 2:
      return "CUDNN_STATUS_BAD_PARAM";
    case 3:
      return "CUDNN_STATUS_NOT_SUPPORTED";
    case 4:
      return "CUDNN_STATUS_INTERNAL_ERROR";
    default:
      return "CUDNN_STATUS_EXECUTION_FAILED";
  }
}

void cudnnGetLastErrorString(char* message, size_t max_size) {
  if (message != nullptr && max_size > 0) std::snprintf(message, max_size, "%s", last_error.c_str());
}

cudnnStatus_t cudnnCreate(cudnnHandle_t* handle) {
  return guarded("cudnnCreate", [&] {
    require_pointer(handle);
    *handle = create_handle();
  });
}

cudnnStatus_t cudnnDestroy(cudnnHandle_t handle) {
  return guarded("cudnnDestroy", [&] { destroy_handle(handle); });
}

cudnnStatus_t cudnnSetStream(cudnnHandle_t handle, cudaStream_t streamId) {
  return guarded("cudnnSetStream", [&] {
    require_handle(handle);
    handle->stream = streamId;
  });
}

cudnnStatus_t cudnnBackendCreateDescriptor(cudnnBackendDescriptorType_t descriptorType,
                                           cudnnBackendDescriptor_t* descriptor) {
  return guarded("cudnnBackendCreateDescriptor", [&] {
    require_pointer(descriptor);
    *descriptor = create_record(descriptorType);
  });
}

cudnnStatus_t cudnnBackendDestroyDescriptor(cudnnBackendDescriptor_t descriptor) {
  return guarded("cudnnBackendDestroyDescriptor", [&] { destroy_record(descriptor); });
}

cudnnStatus_t cudnnBackendFinalize(cudnnBackendDescriptor_t descriptor) {
  return guarded("cudnnBackendFinalize", [&] {
    CudnnRecord& record = live_record(descriptor);
    if (record.finalized) throw CudnnFault{CUDNN_STATUS_BAD_PARAM, "finalized twice"};
    finalize_record(&record);
  });
}

cudnnStatus_t cudnnBackendSetAttribute(cudnnBackendDescriptor_t descriptor,
                                       cudnnBackendAttributeName_t attributeName,
                                       cudnnBackendAttributeType_t attributeType, int64_t elementCount,
                                       const void* arrayOfElements) {
  return guarded("cudnnBackendSetAttribute", [&] {
    set_attribute(&live_record(descriptor), attributeName, attributeType, elementCount, arrayOfElements);
  });
}

cudnnStatus_t cudnnBackendGetAttribute(cudnnBackendDescriptor_t descriptor,
                                       cudnnBackendAttributeName_t attributeName,
                                       cudnnBackendAttributeType_t attributeType,
                                       int64_t requestedElementCount, int64_t* elementCount,
                                       void* arrayOfElements) {
  return guarded("cudnnBackendGetAttribute", [&] {
    get_attribute(finalized_record(descriptor), attributeName, attributeType, requestedElementCount,
                  elementCount, arrayOfElements);
  });
}

cudnnStatus_t cudnnBackendExecute(cudnnHandle_t handle, cudnnBackendDescriptor_t executionPlan,
                                  cudnnBackendDescriptor_t variantPack) {
  return guarded("cudnnBackendExecute", [&] {
    const CudnnRecord& plan = finalized_record(executionPlan);
    const CudnnRecord& pack = finalized_record(variantPack);
    if (plan.type != CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR ||
        pack.type != CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR) {
      throw CudnnFault{CUDNN_STATUS_BAD_PARAM_DESCRIPTOR_TYPE, "a plan and a variant pack were expected"};
    }
    execute_plan(handle, plan, pack);
  });
}

void sim_cudnn_fail_plan(uint64_t n) {
  const std::lock_guard<std::mutex> held(lock);
  cudnn_orders().fail_plan = n;
}

void sim_cudnn_refuse_plan(uint64_t n) {
  const std::lock_guard<std::mutex> held(lock);
  cudnn_orders().refuse_plan = n;
}

void sim_cudnn_fail_all_plans(int fail) {
  const std::lock_guard<std::mutex> held(lock);
  cudnn_orders().fail_all_plans = fail != 0;
}

void sim_cudnn_set_architecture(int architecture) {
  const std::lock_guard<std::mutex> held(lock);
  cudnn_orders().architecture = architecture;
}

size_t sim_cudnn_live(void) {
  const std::lock_guard<std::mutex> held(lock);
  return live_objects();
}

uint64_t sim_cudnn_plans(void) {
  const std::lock_guard<std::mutex> held(lock);
  return cudnn_orders().plans;
}
}
