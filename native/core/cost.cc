#include "core/cost.h"

namespace senet {

namespace {

double elements(const Graph& graph, int id) {
  return static_cast<double>(graph.values[id].elements());
}

// Multiply-adds of a product whose weight [K, ...] is applied at each element of `map` [..., K].
double weight_applied(const Graph& graph, int weight, int map) {
  return elements(graph, map) * elements(graph, weight) / static_cast<double>(graph.values[weight].shape[0]);
}

double multiply_adds(const Graph& graph, const Node& node) {
  const std::string& op = node.op;
  if (op == "conv2d" || op == "conv2d_fused" || op == "linear") {
    return weight_applied(graph, node.input(1), node.output(0));
  }
  if (op == "conv2d_grad_input" || op == "linear_grad_input") {
    return weight_applied(graph, node.input(1), node.input(0));
  }
  if (op == "conv2d_grad_weight" || op == "linear_grad_weight") {
    return weight_applied(graph, node.output(0), node.input(1));
  }
  if (op != "matmul") return 0;
  return elements(graph, node.output(0)) * static_cast<double>(graph.values[node.input(0)].shape[1]);
}

bool is_tensor(const Value& value) {
  return value.kind == ValueKind::kParameter || value.kind == ValueKind::kState;
}

}  // namespace

StepCost cost_of(const Graph& graph, const Node& node, const StepPlan& plan) {
  auto bytes = static_cast<double>(plan.extra_bytes);
  for (int id : node.inputs) {
    if (id == kAbsent) continue;
    const Value& value = graph.values[id];
    const bool written_too = plan.mutates && is_tensor(value);
    bytes += static_cast<double>(value.bytes()) * (written_too ? 2 : 1);
  }
  for (int id : node.outputs) {
    if (id != kAbsent) bytes += static_cast<double>(graph.values[id].bytes());
  }
  return {bytes, 2 * multiply_adds(graph, node)};
}

}  // namespace senet
