// conv2d: y = conv(x, weight) + bias. conv2d_fused, inference's form: y = relu?( gate * (conv + bias) + residual ), in
// the convolution's epilogue where the library has a plan for that, else by a kernel after it. Passes may ask either
// for sums of y, and to apply a norm to x (passes/).
#include <utility>

#include "backends/cuda/ops/convolution.h"
#include "core/memory_plan.h"

namespace senet::cuda {

namespace {

using namespace conv2d_operands;

class Conv2dStep final : public Step {
 public:
  // fused: the plan adds, multiplies and rectifies what `fusion` names.
  Conv2dStep(const Kit& kit, const Node& node, const ConvolutionProblem& problem, Plan plan,
             const ConvolutionFusion& wanted, bool constant_weight)
      : stream_(kit.stream),
        layer_(node.layer),
        problem_(problem),
        plan_(std::move(plan)),
        wanted_(wanted),
        fused_(problem.fusion == wanted),
        constant_weight_(constant_weight) {}

  // The packed weight is kept between runs when the weight is a constant, else it is made in each run.
  size_t constant_bytes() const { return constant_weight_ ? packed_bytes(problem_) : 0; }
  size_t workspace_bytes() const {
    return align_up(plan_.workspace_bytes()) + (constant_weight_ ? 0 : packed_bytes(problem_));
  }

  void bind(const Binding& binding) override {
    const Operands at(binding);
    auto* workspace = static_cast<std::byte*>(binding.workspace);
    packed_ = constant_weight_ ? static_cast<std::byte*>(binding.constants)
                               : workspace + align_up(plan_.workspace_bytes());
    weight_ = at.in(kWeight);
    addresses_.x = at.in<void>(kX);
    addresses_.weight = packed_;
    addresses_.y = at.out<void>(kY);
    addresses_.bias = at.in(kBias);
    addresses_.gate = at.in(kGate);
    addresses_.residual = at.in<void>(kResidual);
    addresses_.shift = at.in(kShift);
    addresses_.input_scale = at.in(kInputScale);
    addresses_.input_shift = at.in(kInputShift);
    addresses_.deviations = at.out(kDeviations);
    addresses_.squares = at.out(kSquares);
    addresses_.sums = at.out(kSums);
    call_ = plan_.bind(layer_, addresses_, plan_.workspace_bytes() == 0 ? nullptr : workspace);
  }

  void refresh() override { pack(problem_, weight_, packed_, stream_->get()); }

  void run() override {
    if (!constant_weight_) refresh();
    call_.run();
    if (!fused_) finish();
  }

 private:
  void finish() const {
    with_storage(problem_.storage, [&](auto tag) {
      using T = TypeOf<decltype(tag)>;
      auto* y = static_cast<T*>(const_cast<void*>(addresses_.y));
      conv2d_epilogue(y, addresses_.bias, addresses_.gate, static_cast<const T*>(addresses_.residual),
                      wanted_.relu, y, output_size(problem_), stream_->get());
    });
  }

  std::shared_ptr<const Stream> stream_;
  std::string layer_;
  ConvolutionProblem problem_;
  Plan plan_;
  ConvolutionFusion wanted_;
  bool fused_, constant_weight_;
  std::byte* packed_ = nullptr;
  const float* weight_ = nullptr;
  ConvolutionAddresses addresses_;
  DnnCall call_;
};

void check(const PrepareContext& context, const ConvolutionProblem& problem) {
  const Node& node = context.node;
  const ConvolutionFusion& wanted = problem.fusion;
  const int64_t channels = problem.out_channels, sums = problem.images * channels;
  for (size_t i : {kBias, kShift}) require_input_floats(context, i, channels);
  for (size_t i : {kInputScale, kInputShift}) require_input_floats(context, i, problem.in_channels);
  if (wanted.gate) require_floats(node, context.in(kGate), sums);
  if (wanted.residual) require_same(node, context.in(kResidual), context.out(kY));
  for (size_t i : {kDeviations, kSquares, kSums}) require_output_floats(context, i, sums);
  require(node.has_output(kDeviations) == node.has_output(kSquares) &&
              node.has_output(kDeviations) == node.has_input(kShift),
          node, "both statistics and a shift");
  require(node.has_input(kInputScale) == node.has_input(kInputShift), node, "scale and shift of the input");
}

}  // namespace

StepPlan prepare_conv2d(const Kit& kit, const PrepareContext& context) {
  const Node& node = context.node;
  require_operands(node, 2, 1);
  ConvolutionProblem problem = forward_problem(kit, context);
  check(context, problem);
  const ConvolutionFusion wanted = problem.fusion;
  const bool fused = fuses(kit, node.layer, problem);
  if (!fused) problem.fusion = {};
  Plan library = kit.dnn->plan(node.layer, problem);
  StepPlan plan;
  plan.implementation = library.implementation();
  auto step = std::make_unique<Conv2dStep>(kit, node, problem, std::move(library), wanted,
                                           context.constant_input[kWeight]);
  plan.constant_bytes = step->constant_bytes();
  if (plan.constant_bytes > 0) plan.packs = {kWeight};
  plan.workspace_bytes = step->workspace_bytes();
  // The packed weight is written and read, and an epilogue of its own goes over the output.
  if (!context.constant_input[kWeight]) plan.extra_bytes = 2 * packed_bytes(problem);
  if (!fused) plan.extra_bytes += 2 * context.out(kY).bytes();
  plan.step = std::move(step);
  return plan;
}

}  // namespace senet::cuda
