// activation: y = relu, sigmoid or tanh of x. activation_grad: dx from dy and y, both in x's storage order.
#include "backends/cpu/ops/elementwise.h"
#include "backends/cpu/ops/vector_math.h"
#include "backends/cpu/table.h"

namespace senet::cpu {
namespace {

struct Relu {
  // Written so that a NaN stays one.
  Vec operator()(Vec x) const { return x < 0 ? Vec{} : x; }
};
struct Sigmoid {
  Vec operator()(Vec x) const { return sigmoid(x); }
};
struct Tanh {
  Vec operator()(Vec x) const { return tanh(x); }
};

struct ReluGrad {
  Vec operator()(Vec dy, Vec y) const { return y > 0 ? dy : Vec{}; }
};
struct SigmoidGrad {
  Vec operator()(Vec dy, Vec y) const { return dy * y * (broadcast(1.0f) - y); }
};
struct TanhGrad {
  Vec operator()(Vec dy, Vec y) const { return dy * (broadcast(1.0f) - y * y); }
};

}  // namespace

StepPlan prepare_activation(const PrepareContext& context) {
  const std::string& kind = context.node.text("kind");
  if (kind == "relu") return plan_elementwise<Relu, 1>(context);
  if (kind == "sigmoid") return plan_elementwise<Sigmoid, 1>(context);
  require(kind == "tanh", context.node, "kind relu, sigmoid or tanh, received " + kind);
  return plan_elementwise<Tanh, 1>(context);
}

StepPlan prepare_activation_grad(const PrepareContext& context) {
  const std::string& kind = context.node.text("kind");
  if (kind == "relu") return plan_elementwise<ReluGrad, 2>(context);
  if (kind == "sigmoid") return plan_elementwise<SigmoidGrad, 2>(context);
  require(kind == "tanh", context.node, "kind relu, sigmoid or tanh, received " + kind);
  return plan_elementwise<TanhGrad, 2>(context);
}

}  // namespace senet::cpu
