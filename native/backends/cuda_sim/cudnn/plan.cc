// Finalizing what leads to an execution: heuristics, plans, variant packs. A plan's text holds all that it
// needs.
#include <cuda_runtime_api.h>

#include <cstdlib>
#include <set>
#include <string>

#include "backends/cuda_sim/cudnn/orders.h"
#include "backends/cuda_sim/cudnn/record.h"
#include "backends/cuda_sim/simt/settings.h"

namespace senet::sim {

namespace {

constexpr const char* kTextStart = "{\"emulated\":\"";
constexpr const char* kTextEnd = "\"}";

int architecture() {
  const int ordered = cudnn_orders().architecture;
  if (ordered != 0) return ordered;
  int device = 0;
  cudaGetDevice(&device);
  return settings().devices[static_cast<size_t>(device)];
}

void finalize_heuristics(CudnnRecord* record) {
  record->graph = referred(*record, CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH).graph;
  const auto mode = record->value<cudnnBackendHeurMode_t>(CUDNN_ATTR_ENGINEHEUR_MODE);
  const CudnnSuggestions found = suggest_engines(*record->graph, mode, architecture());
  if (found.status != CUDNN_STATUS_SUCCESS) throw CudnnFault{found.status, found.reason};
  record->engines = found.engines;
}

// Reads what plan_text() wrote.
void read_plan(CudnnRecord* record) {
  const auto characters = record->values<char>(CUDNN_ATTR_EXECUTION_PLAN_JSON_REPRESENTATION);
  std::string text(characters.begin(), characters.end());
  if (!text.empty() && text.back() == '\0') text.pop_back();
  const std::string start = kTextStart, end = kTextEnd;
  const CudnnFault fault{CUDNN_STATUS_BAD_PARAM, "the text describes no plan"};
  if (text.size() < start.size() + end.size() || text.compare(0, start.size(), start) != 0 ||
      text.compare(text.size() - end.size(), end.size(), end) != 0) {
    throw fault;
  }
  text = text.substr(start.size(), text.size() - start.size() - end.size());
  char* rest = nullptr;
  const CudnnEngine* engine = find_engine(std::strtoll(text.c_str(), &rest, 10));
  auto graph = graph_from_text(rest);
  if (engine == nullptr || !graph) throw fault;
  record->engines = {engine};
  record->graph = std::make_shared<CudnnGraph>(std::move(*graph));
}

void finalize_execution_plan(CudnnRecord* record) {
  CudnnOrders& orders = cudnn_orders();
  const auto due = [](uint64_t& order) { return order > 0 && --order == 0; };
  if (due(orders.refuse_plan)) {
    throw CudnnFault{CUDNN_STATUS_NOT_SUPPORTED, "this plan was ordered to be refused"};
  }
  if (due(orders.fail_plan) || orders.fail_all_plans)
    throw CudnnFault{CUDNN_STATUS_INTERNAL_ERROR, "this plan was ordered to fail"};
  record->handle = record->value<cudnnHandle_t>(CUDNN_ATTR_EXECUTION_PLAN_HANDLE);
  require_handle(record->handle);
  const bool by_text = record->has(CUDNN_ATTR_EXECUTION_PLAN_JSON_REPRESENTATION);
  if (by_text == record->has(CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG)) {
    throw CudnnFault{CUDNN_STATUS_BAD_PARAM, "a plan is made of an engine configuration or of a text"};
  }
  if (by_text) {
    read_plan(record);
  } else {
    const CudnnRecord& configuration = referred(*record, CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG);
    record->graph = configuration.graph;
    record->engines = configuration.engines;
  }
  ++orders.plans;
}

void finalize_variant_pack(const CudnnRecord& record) {
  const auto ids = record.values<int64_t>(CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS);
  if (ids.size() != record.values<void*>(CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS).size()) {
    throw CudnnFault{CUDNN_STATUS_BAD_PARAM_SIZE_INSUFFICIENT, "the numbers of ids and of pointers differ"};
  }
  if (std::set<int64_t>(ids.begin(), ids.end()).size() != ids.size()) {
    throw CudnnFault{CUDNN_STATUS_BAD_PARAM_DUPLICATED_ENTRIES, "an id occurs twice"};
  }
}

}  // namespace

CudnnOrders& cudnn_orders() {
  static CudnnOrders orders = [] {
    CudnnOrders first;
    if (const char* order = std::getenv("SENET_SIM_CUDNN_FAIL_PLAN"))
      first.fail_plan = std::strtoull(order, nullptr, 10);
    return first;
  }();
  return orders;
}

std::string plan_text(const CudnnRecord& plan) {
  return kTextStart + std::to_string(plan.engines.front()->index) + ' ' + to_text(*plan.graph) + kTextEnd;
}

void finalize_plan(CudnnRecord* record) {
  if (record->type == CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR) {
    finalize_heuristics(record);
  } else if (record->type == CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR) {
    finalize_execution_plan(record);
  } else {
    finalize_variant_pack(*record);
  }
}

}  // namespace senet::sim
