// The interface of dnn.h by cuDNN.
#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "backends/cuda/dnn.h"
#include "backends/cuda/dnn_cudnn_planner.h"
#include "backends/cuda/dnn_plan_file.h"

namespace senet::cuda {

namespace {

// Plans that are timed against each other; further ones are seldom faster, and each costs up to a second to
// make.
constexpr size_t kMostTimed = 8;

const void* address_of(Operand operand, const ConvolutionAddresses& a) {
  switch (operand) {
    case Operand::kX:
      return a.x;
    case Operand::kWeight:
      return a.weight;
    case Operand::kY:
      return a.y;
    case Operand::kInputScale:
      return a.input_scale;
    case Operand::kInputShift:
      return a.input_shift;
    case Operand::kBias:
      return a.bias;
    case Operand::kGate:
      return a.gate;
    case Operand::kResidual:
      return a.residual;
    case Operand::kSums:
      return a.sums;
    case Operand::kShift:
      return a.shift;
    case Operand::kDeviations:
      return a.deviations;
    case Operand::kSquares:
      return a.squares;
    default:
      return nullptr;
  }
}

// *settled becomes false when there was no room for timing.
std::shared_ptr<const Plan::State> fastest_if_possible(
    const std::vector<std::shared_ptr<const Plan::State>>& plans, bool* settled) {
  try {
    const std::vector<double> times = times_of(plans);
    return plans[static_cast<size_t>(std::min_element(times.begin(), times.end()) - times.begin())];
  } catch (const CudnnFailure& failure) {
    // A device without room for timing can still compute.
    if (failure.status != CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED) throw;
    *settled = false;
    return plans.front();
  }
}

void require_aligned(const std::string& layer, const char* what, const void* address) {
  if (address == nullptr) throw Error(ErrorCode::kArgument, layer + ": " + what + ": no address");
  if (reinterpret_cast<uintptr_t>(address) % kDnnAlignment == 0) return;
  throw Error(ErrorCode::kArgument, layer + ": " + what + ": address not aligned to 16 bytes");
}

}  // namespace

struct DnnCall::State {
  std::string layer;
  std::shared_ptr<const Plan::State> plan;
  Descriptor pack;
};

void DnnCall::run() const {
  cudnn_call(state_->layer, [&] { state_->plan->execute(state_->pack); });
}

size_t Plan::workspace_bytes() const {
  return state_->workspace_bytes;
}

const std::string& Plan::implementation() const {
  return state_->implementation;
}

DnnCall Plan::bind(const std::string& layer, const ConvolutionAddresses& addresses, void* workspace) const {
  std::vector<const void*> pointers;
  for (const auto& [operand, bytes] : state_->graph->operands()) {
    pointers.push_back(address_of(operand, addresses));
    require_aligned(layer, operand_name(operand), pointers.back());
  }
  if (state_->workspace_bytes > 0) require_aligned(layer, "workspace", workspace);
  return cudnn_call(layer, [&] {
    return DnnCall(std::make_shared<DnnCall::State>(
        DnnCall::State{layer, state_, make_variant_pack(*state_->graph, pointers, workspace)}));
  });
}

// A problem that has been planned: its plan, or why there is none.
struct PlannedProblem {
  std::shared_ptr<const Plan::State> plan;
  CudnnFailure refusal;
  std::optional<double> milliseconds = {};  // of the plan, once it has been timed
};

struct Dnn::State {
  DnnOptions options;
  std::shared_ptr<const CudnnLibrary> library;
  std::string description;
  std::map<std::string, PlannedProblem> planned;

  Planner planner(const ConvolutionProblem& problem) const {
    const bool exact = problem.storage == Storage::kFloat32 && !problem.tf32;
    const PlanRules rules{options.deterministic, exact, options.workspace_limit};
    return Planner(library, std::make_shared<OperationGraph>(problem, library->target()), rules);
  }

  // What a kept plan depends on.
  std::string file_key(const ConvolutionProblem& problem) const {
    return description + "; " + options.device_name +
           (options.device_description.empty() ? "; " : ", described; ") +
           (options.deterministic ? "deterministic; " : "") + (options.autotune ? "timed; " : "") +
           std::to_string(options.workspace_limit) + "; " + to_string(problem);
  }

  PlannedProblem& find(const ConvolutionProblem& problem) {
    const std::string key = to_string(problem);
    const auto known = planned.find(key);
    if (known != planned.end()) return known->second;
    return planned.emplace(key, make(problem)).first->second;
  }

  PlannedProblem make(const ConvolutionProblem& problem) const {
    try {
      Planner planner = this->planner(problem);
      const std::string& folder = options.cache_folder;
      const std::string key = file_key(problem);
      if (const auto saved = read_plan_file(folder, key)) {
        if (auto plan = planner.load(saved->implementation, saved->text)) return {std::move(plan), {}};
      }
      const bool timed = options.autotune && library->handle() != nullptr;
      const auto plans = planner.find(timed ? kMostTimed : 1);
      if (plans.empty()) return {nullptr, planner.refusal()};
      bool settled = planner.settled();
      const auto plan = plans.size() > 1 ? fastest_if_possible(plans, &settled) : plans.front();
      const std::string text = settled ? save_plan(*plan) : "";
      if (!text.empty()) write_plan_file(folder, key, {plan->implementation, text});
      return {plan, {}};
    } catch (const CudnnFailure& failure) {
      if (!is_unsupported(failure.status)) throw;
      return {nullptr, failure};
    }
  }

  PlannedProblem& find_planned(const ConvolutionProblem& problem) {
    PlannedProblem& found = find(problem);
    if (found.plan != nullptr) return found;
    throw CudnnFailure{found.refusal.status,
                       "no plan for " + to_string(problem) + ": " + found.refusal.message};
  }

  Plan require(const std::string& layer, const ConvolutionProblem& problem) {
    return cudnn_call(layer, [&] { return Plan(find_planned(problem).plan); });
  }

  std::vector<Plan> candidates(const ConvolutionProblem& problem, size_t most) const {
    std::vector<Plan> plans;
    for (auto& plan : planner(problem).find(most)) plans.emplace_back(std::move(plan));
    return plans;
  }
};

std::string dnn_version() {
  const size_t version = cudnnGetVersion();
  return "cuDNN " + std::to_string(version / 10000) + "." + std::to_string(version / 100 % 100) + "." +
         std::to_string(version % 100);
}

Dnn::Dnn(DnnOptions options) : state_(std::make_unique<State>()) {
  state_->description = dnn_version();
  if (cudnnGetVersion() / 10000 != CUDNN_MAJOR) {
    throw Error(ErrorCode::kUnsupported, "device: " + state_->description + " found, version " +
                                             std::to_string(CUDNN_MAJOR) + " expected");
  }
  state_->library = cudnn_call(
      "device", [&] { return std::make_shared<CudnnLibrary>(options.stream, options.device_description); });
  state_->options = std::move(options);
}

Dnn::~Dnn() = default;

const std::string& Dnn::description() const {
  return state_->description;
}

Plan Dnn::plan(const std::string& layer, const ConvolutionProblem& problem) {
  check_problem(layer, problem);
  return state_->require(layer, problem);
}

bool Dnn::supports(const ConvolutionProblem& problem) {
  check_problem("device", problem);
  return cudnn_call("device", [&] { return state_->find(problem).plan != nullptr; });
}

double Dnn::milliseconds(const std::string& layer, const ConvolutionProblem& problem) {
  check_problem(layer, problem);
  return cudnn_call(layer, [&] {
    PlannedProblem& found = state_->find_planned(problem);
    if (!found.milliseconds) found.milliseconds = times_of({found.plan}).front();
    return *found.milliseconds;
  });
}

std::vector<Plan> Dnn::candidates(const ConvolutionProblem& problem, size_t most) {
  check_problem("device", problem);
  return cudnn_call("device", [&] { return state_->candidates(problem, most); });
}

}  // namespace senet::cuda
