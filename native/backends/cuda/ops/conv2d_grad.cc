// Gradients of conv2d: conv2d_grad_input from dy and weight, to which a third input may be added (passes/); and
// conv2d_grad_weight (and of the bias) from x and dy.
#include <utility>

#include "backends/cuda/ops/convolution.h"
#include "core/memory_plan.h"

namespace senet::cuda {

namespace {

// Inputs dy, weight, addend?; output dx.
class GradInputStep final : public Step {
 public:
  GradInputStep(const Kit& kit, const Node& node, const ConvolutionProblem& problem, Plan plan)
      : stream_(kit.stream), layer_(node.layer), problem_(problem), plan_(std::move(plan)) {}

  size_t workspace_bytes() const { return align_up(plan_.workspace_bytes()) + packed_bytes(problem_); }
  size_t extra_bytes() const { return 2 * packed_bytes(problem_); }

  void bind(const Binding& binding) override {
    const Operands at(binding);
    auto* workspace = static_cast<std::byte*>(binding.workspace);
    weight_ = at.in(1);
    addend_ = at.in<void>(2);
    dx_ = at.out<void>(0);
    packed_ = workspace + align_up(plan_.workspace_bytes());
    ConvolutionAddresses addresses;
    addresses.x = dx_;
    addresses.weight = packed_;
    addresses.y = at.in<void>(0);
    call_ = plan_.bind(layer_, addresses, plan_.workspace_bytes() == 0 ? nullptr : workspace);
  }

  void run() override {
    pack(problem_, weight_, packed_, stream_->get());
    // What the convolution adds to lies in dx; mostly dx has taken over its memory.
    if (addend_ != nullptr && addend_ != dx_) {
      check_cuda(
          cudaMemcpyAsync(dx_, addend_, input_bytes(problem_), cudaMemcpyDeviceToDevice, stream_->get()),
          "copying a gradient");
    }
    call_.run();
  }

 private:
  std::shared_ptr<const Stream> stream_;
  std::string layer_;
  ConvolutionProblem problem_;
  Plan plan_;
  const float* weight_ = nullptr;
  const void* addend_ = nullptr;
  void* dx_ = nullptr;
  void* packed_ = nullptr;
  DnnCall call_;
};

// Inputs x, dy; outputs dweight, dbias?.
class GradWeightStep final : public Step {
 public:
  GradWeightStep(const Kit& kit, const Node& node, const ConvolutionProblem& problem, Plan plan)
      : stream_(kit.stream), layer_(node.layer), problem_(problem), plan_(std::move(plan)) {}

  size_t workspace_bytes() const { return shared_bytes() + gradient_bytes(); }
  size_t extra_bytes() const { return 2 * gradient_bytes(); }

  void bind(const Binding& binding) override {
    binding_ = binding;
    const Operands at(binding);
    auto* workspace = static_cast<std::byte*>(binding.workspace);
    packed_ = workspace + shared_bytes();
    ConvolutionAddresses addresses;
    addresses.x = at.in<void>(0);
    addresses.weight = packed_;
    addresses.y = at.in<void>(1);
    call_ = plan_.bind(layer_, addresses, plan_.workspace_bytes() == 0 ? nullptr : workspace);
  }

  void run() override {
    const Operands at(binding_);
    call_.run();
    with_storage(problem_.weight_gradient, [&](auto tag) {
      using T = TypeOf<decltype(tag)>;
      unpack_weight_gradient(static_cast<const T*>(packed_), at.out(0), weight_size(problem_),
                             stream_->get());
    });
    if (at.out(1) == nullptr) return;
    with_storage(problem_.storage, [&](auto tag) {
      using T = TypeOf<decltype(tag)>;
      bias_backward(at.in<T>(1), at.out(1), output_size(problem_), at.workspace(), stream_->get());
    });
  }

 private:
  // The library and the bias's sum work one after the other.
  size_t shared_bytes() const {
    return align_up(std::max(plan_.workspace_bytes(), bias_backward_workspace_bytes(output_size(problem_))));
  }
  size_t gradient_bytes() const {
    const WeightSize size = weight_size(problem_);
    return static_cast<size_t>(size.outputs * size.inputs * size.positions) *
           size_of(problem_.weight_gradient);
  }

  std::shared_ptr<const Stream> stream_;
  std::string layer_;
  ConvolutionProblem problem_;
  Plan plan_;
  Binding binding_;
  void* packed_ = nullptr;
  DnnCall call_;
};

template <typename GradStep>
StepPlan plan_gradient(const Kit& kit, const Node& node, const ConvolutionProblem& problem) {
  Plan library = kit.dnn->plan(node.layer, problem);
  StepPlan plan;
  plan.implementation = library.implementation();
  auto step = std::make_unique<GradStep>(kit, node, problem, std::move(library));
  plan.workspace_bytes = step->workspace_bytes();
  plan.extra_bytes = step->extra_bytes();  // packed weights are written and read
  plan.step = std::move(step);
  return plan;
}

}  // namespace

StepPlan prepare_conv2d_grad_input(const Kit& kit, const PrepareContext& context) {
  const Node& node = context.node;
  require_operands(node, 2, 1);
  ConvolutionProblem problem = convolution_problem(kit, context, ConvolutionDirection::kGradInput,
                                                   context.out(0), context.in(0), context.in(1));
  problem.fusion.accumulate = node.has_input(2);
  if (problem.fusion.accumulate) require_same(node, context.in(2), context.out(0));
  StepPlan plan = plan_gradient<GradInputStep>(kit, node, problem);
  plan.reuse = {{0, 2}};
  return plan;
}

StepPlan prepare_conv2d_grad_weight(const Kit& kit, const PrepareContext& context) {
  require_operands(context.node, 2, 1);
  ConvolutionProblem problem = convolution_problem(kit, context, ConvolutionDirection::kGradWeight,
                                                   context.in(0), context.in(1), context.out(0));
  require_output_floats(context, 1, problem.out_channels);
  if (!kit.dnn->supports(problem)) problem.weight_gradient = problem.storage;
  return plan_gradient<GradWeightStep>(kit, context.node, problem);
}

}  // namespace senet::cuda
