#include "backends/cuda/dnn_cudnn_planner.h"

#include <algorithm>
#include <utility>

namespace senet::cuda {

CudnnLibrary::CudnnLibrary(cudaStream_t stream, const std::string& device_description) : stream_(stream) {
  if (!device_description.empty()) {
    device_.emplace(CUDNN_BACKEND_DEVICEPROP_DESCRIPTOR);
    device_->set_text(CUDNN_ATTR_DEVICEPROP_JSON_REPRESENTATION, device_description);
    device_->finalize();
    return;
  }
  check_cudnn(cudnnCreate(&handle_), "cudnnCreate");
  const cudnnStatus_t status = cudnnSetStream(handle_, stream_);
  if (status == CUDNN_STATUS_SUCCESS) return;
  const CudnnFailure failure = cudnn_failure(status, "cudnnSetStream");
  cudnnDestroy(handle_);
  throw failure;
}

CudnnLibrary::~CudnnLibrary() {
  if (handle_ != nullptr) cudnnDestroy(handle_);
}

void Plan::State::execute(const Descriptor& variant_pack) const {
  check_cudnn(cudnnBackendExecute(library->handle(), descriptor.get(), variant_pack.get()),
              "cudnnBackendExecute");
}

Descriptor make_variant_pack(const OperationGraph& graph, const std::vector<const void*>& addresses,
                             void* workspace) {
  std::vector<int64_t> ids;
  std::vector<void*> pointers;
  for (size_t i = 0; i < graph.operands().size(); ++i) {
    ids.push_back(static_cast<int64_t>(graph.operands()[i].operand));
    pointers.push_back(const_cast<void*>(addresses[i]));
  }
  Descriptor pack(CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR);
  pack.set_all(CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, ids);
  pack.set_pointers(CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, pointers);
  pack.set_pointers(CUDNN_ATTR_VARIANT_PACK_WORKSPACE, {workspace});
  pack.finalize();
  return pack;
}

std::vector<std::shared_ptr<const Plan::State>> Planner::find(size_t most) {
  std::vector<std::shared_ptr<const Plan::State>> plans;
  for (const auto mode : {CUDNN_HEUR_MODE_A, CUDNN_HEUR_MODE_FALLBACK}) {
    if (plans.size() >= most) break;
    for (const Descriptor& configuration : suggestions(mode)) {
      if (plans.size() >= most) break;
      if (auto plan = finalize(configuration)) plans.push_back(std::move(plan));
    }
  }
  return plans;
}

std::vector<Descriptor> Planner::suggestions(cudnnBackendHeurMode_t mode) {
  Descriptor heuristics(CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR);
  heuristics.refer(CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH, graph_->descriptor());
  heuristics.set(CUDNN_ATTR_ENGINEHEUR_MODE, mode);
  const PlanTarget target = library_->target();
  if (target.device != nullptr) heuristics.refer(CUDNN_ATTR_ENGINEHEUR_DEVICEPROP, *target.device);
  const cudnnStatus_t status = heuristics.try_finalize();
  if (status != CUDNN_STATUS_SUCCESS) {
    refusal_ = cudnn_failure(status, "heuristics");
    if (is_unsupported(status)) return {};
    throw refusal_;
  }
  const int64_t announced = heuristics.count(CUDNN_ATTR_ENGINEHEUR_RESULTS, CUDNN_TYPE_BACKEND_DESCRIPTOR);
  std::vector<Descriptor> configurations;
  for (int64_t i = 0; i < announced; ++i) configurations.emplace_back(CUDNN_BACKEND_ENGINECFG_DESCRIPTOR);
  // Fewer may come than were announced, and a plan made of an unfilled one crashes the library.
  const int64_t filled = heuristics.read_all(CUDNN_ATTR_ENGINEHEUR_RESULTS, configurations);
  configurations.erase(configurations.begin() + filled, configurations.end());
  return configurations;
}

bool Planner::allows(const Descriptor& engine) const {
  const auto notes = engine.numerical_notes();
  const auto has = [&](cudnnBackendNumericalNote_t note) {
    return std::find(notes.begin(), notes.end(), note) != notes.end();
  };
  // Engines that use TF32 have the note on tensor cores alone.
  if (has(CUDNN_NUMERICAL_NOTE_REDUCED_PRECISION_REDUCTION) ||
      has(CUDNN_NUMERICAL_NOTE_DOWN_CONVERT_INPUTS)) {
    return false;
  }
  if (rules_.deterministic && has(CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC)) return false;
  return !rules_.exact || !(has(CUDNN_NUMERICAL_NOTE_TENSOR_CORE) || has(CUDNN_NUMERICAL_NOTE_FFT) ||
                            has(CUDNN_NUMERICAL_NOTE_WINOGRAD));
}

std::shared_ptr<const Plan::State> Planner::finalize(const Descriptor& configuration) {
  Descriptor engine(CUDNN_BACKEND_ENGINE_DESCRIPTOR);
  configuration.read(CUDNN_ATTR_ENGINECFG_ENGINE, engine);
  if (!allows(engine)) {
    refusal_ = {CUDNN_STATUS_NOT_SUPPORTED, "every engine suggested computes in a way that is not allowed"};
    return nullptr;
  }
  Descriptor plan(CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR);
  const PlanTarget target = library_->target();
  if (target.handle != nullptr) plan.set(CUDNN_ATTR_EXECUTION_PLAN_HANDLE, target.handle);
  if (target.device != nullptr) plan.refer(CUDNN_ATTR_EXECUTION_PLAN_DEVICEPROP, *target.device);
  plan.refer(CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG, configuration);
  const cudnnStatus_t status = plan.try_finalize();
  if (status != CUDNN_STATUS_SUCCESS) {
    refusal_ = cudnn_failure(status, "execution plan");
    settled_ = settled_ && is_unsupported(status);
    return nullptr;
  }
  const int64_t number = engine.integer(CUDNN_ATTR_ENGINE_GLOBAL_INDEX);
  return make_state(std::move(plan), "cudnn:eng" + std::to_string(number));
}

std::shared_ptr<const Plan::State> Planner::load(const std::string& implementation, const std::string& text) {
  Descriptor plan(CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR);
  const PlanTarget target = library_->target();
  if (target.handle != nullptr) plan.set(CUDNN_ATTR_EXECUTION_PLAN_HANDLE, target.handle);
  if (target.device != nullptr) plan.refer(CUDNN_ATTR_EXECUTION_PLAN_DEVICEPROP, *target.device);
  plan.set_text(CUDNN_ATTR_EXECUTION_PLAN_JSON_REPRESENTATION, text);
  if (plan.try_finalize() != CUDNN_STATUS_SUCCESS) return nullptr;
  return make_state(std::move(plan), implementation);
}

std::shared_ptr<const Plan::State> Planner::make_state(Descriptor descriptor, std::string implementation) {
  const auto bytes = static_cast<size_t>(descriptor.integer(CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE));
  if (bytes > rules_.workspace_limit) {
    refusal_ = {CUDNN_STATUS_NOT_SUPPORTED, "every plan needs a larger workspace than is allowed"};
    return nullptr;
  }
  return std::make_shared<Plan::State>(
      Plan::State{library_, graph_, std::move(descriptor), bytes, std::move(implementation)});
}

std::string save_plan(const Plan::State& plan) {
  try {
    return plan.descriptor.text(CUDNN_ATTR_EXECUTION_PLAN_JSON_REPRESENTATION);
  } catch (const CudnnFailure&) {
    return "";
  }
}

}  // namespace senet::cuda
