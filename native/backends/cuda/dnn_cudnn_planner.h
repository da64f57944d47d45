// From an operation graph to execution plans: cuDNN's suggestions, filtered by what the caller allows.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "backends/cuda/dnn_cudnn_graph.h"

namespace senet::cuda {

// cuDNN on one device, or for a description of one.
class CudnnLibrary {
 public:
  CudnnLibrary(cudaStream_t stream, const std::string& device_description);
  ~CudnnLibrary();
  CudnnLibrary(const CudnnLibrary&) = delete;
  CudnnLibrary& operator=(const CudnnLibrary&) = delete;

  PlanTarget target() const { return {handle_, device_ ? &*device_ : nullptr}; }
  cudnnHandle_t handle() const { return handle_; }
  cudaStream_t stream() const { return stream_; }

 private:
  cudaStream_t stream_;
  cudnnHandle_t handle_ = nullptr;
  std::optional<Descriptor> device_;
};

struct PlanRules {
  bool deterministic = false;
  bool exact = false;  // float32 arithmetic as written: no tensor cores, no transforms
  size_t workspace_limit = 0;
};

// A finalized execution plan.
struct Plan::State {
  std::shared_ptr<const CudnnLibrary> library;
  std::shared_ptr<const OperationGraph> graph;
  Descriptor descriptor;
  size_t workspace_bytes = 0;
  std::string implementation;

  // Queues the plan on the library's stream. Throws CudnnFailure.
  void execute(const Descriptor& variant_pack) const;
};

// A finalized variant pack. `addresses` are those of the graph's operands, in its order. Throws CudnnFailure.
Descriptor make_variant_pack(const OperationGraph& graph, const std::vector<const void*>& addresses,
                             void* workspace);

// Finds the plans of a graph.
class Planner {
 public:
  Planner(std::shared_ptr<const CudnnLibrary> library, std::shared_ptr<const OperationGraph> graph,
          const PlanRules& rules)
      : library_(std::move(library)), graph_(std::move(graph)), rules_(rules) {}

  // Up to `most` plans: what the heuristics suggest, best first, then what works everywhere.
  std::vector<std::shared_ptr<const Plan::State>> find(size_t most);
  // Whether find() would find the same again: nothing has failed that was not merely refused.
  bool settled() const { return settled_; }
  // Why find() found nothing.
  const CudnnFailure& refusal() const { return refusal_; }

  // A plan from what save_plan() made of one; null when the library does not take it.
  std::shared_ptr<const Plan::State> load(const std::string& implementation, const std::string& text);

 private:
  std::vector<Descriptor> suggestions(cudnnBackendHeurMode_t mode);
  // Null when the rules forbid the engine or the library refuses the configuration.
  std::shared_ptr<const Plan::State> finalize(const Descriptor& configuration);
  std::shared_ptr<const Plan::State> make_state(Descriptor descriptor, std::string implementation);
  bool allows(const Descriptor& engine) const;

  std::shared_ptr<const CudnnLibrary> library_;
  std::shared_ptr<const OperationGraph> graph_;
  PlanRules rules_;
  bool settled_ = true;
  CudnnFailure refusal_{CUDNN_STATUS_NOT_SUPPORTED, "no engine is suggested"};
};

// The text of a plan for load(); empty when the library has none for it.
std::string save_plan(const Plan::State& plan);

// Milliseconds that each of several plans of one graph takes, timed on buffers of their own.
std::vector<double> times_of(const std::vector<std::shared_ptr<const Plan::State>>& plans);

}  // namespace senet::cuda
