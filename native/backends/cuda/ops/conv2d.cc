// conv2d: y = conv(x, weight) + bias. conv2d_fused, inference's form: y = relu?( gate * (conv + bias) + residual ), in
// the convolution's epilogue where the library has a plan for that, else by a kernel after it.
#include <utility>

#include "backends/cuda/ops/convolution.h"
#include "core/error.h"
#include "core/memory_plan.h"

namespace senet::cuda {

namespace {

enum Input : size_t { kX, kWeight, kBias, kGate, kResidual, kShift };
// The sums over the positions of an image of y - shift, and of its square, for a norm behind (passes/take_statistics.cc).
enum Output : size_t { kY, kDeviations, kSquares };

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
    addresses_.deviations = at.out(kDeviations);
    addresses_.squares = at.out(kSquares);
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

// What the epilogue takes as a kernel of its own, on buffers of zeros.
double epilogue_ms(const Kit& kit, const ConvolutionProblem& problem, const ConvolutionFusion& wanted) {
  const MapSize size = output_size(problem);
  const auto allocate = [&](int64_t elements, size_t element_bytes) {
    return DeviceMemory(kit.stream, static_cast<size_t>(elements) * element_bytes, "timing an epilogue");
  };
  const DeviceMemory map = allocate(size.elements(), size_of(problem.storage)),
                     vectors = allocate(size.images * size.channels, sizeof(float));
  const auto* factors = reinterpret_cast<const float*>(vectors.data());
  return milliseconds_of(*kit.stream, [&] {
    with_storage(problem.storage, [&](auto tag) {
      auto* y = reinterpret_cast<TypeOf<decltype(tag)>*>(map.data());
      conv2d_epilogue(y, wanted.bias ? factors : nullptr, wanted.gate ? factors : nullptr,
                      wanted.residual ? y : nullptr, wanted.relu, y, size, kit.stream->get());
    });
  });
}

// Whether the library computes the epilogue, and not slower than a kernel after it.
bool fuses(const Kit& kit, const std::string& layer, const ConvolutionProblem& fused) {
  if (!kit.dnn->supports(fused)) return false;
  ConvolutionProblem plain = fused;
  plain.fusion = {};
  if (!kit.autotune || fused.fusion == plain.fusion || !kit.dnn->supports(plain)) return true;
  try {
    return kit.dnn->milliseconds(layer, fused) <=
           kit.dnn->milliseconds(layer, plain) + epilogue_ms(kit, plain, fused.fusion);
  } catch (const Error& error) {
    // Without room for timing there still is for the program.
    if (error.code() != ErrorCode::kOutOfMemory) throw;
    return true;
  }
}

StepPlan plan_convolution(const Kit& kit, const PrepareContext& context, const ConvolutionFusion& wanted) {
  const Node& node = context.node;
  ConvolutionProblem problem = convolution_problem(kit, context, ConvolutionDirection::kForward,
                                                   context.in(kX), context.out(0), context.in(kWeight));
  if (wanted.bias) require_floats(node, context.in(kBias), problem.out_channels);
  if (wanted.gate) require_floats(node, context.in(kGate), problem.images * problem.out_channels);
  if (wanted.residual) require_same(node, context.in(kResidual), context.out(0));
  if (wanted.statistics) {
    require_floats(node, context.in(kShift), problem.out_channels);
    for (size_t i : {kDeviations, kSquares}) {
      require_floats(node, context.out(i), problem.images * problem.out_channels);
    }
  }
  problem.fusion = wanted;
  // Statistics are asked for only where there is a plan.
  const bool fused = wanted.statistics || fuses(kit, node.layer, problem);
  if (!fused) problem.fusion = {};
  Plan library = kit.dnn->plan(node.layer, problem);
  StepPlan plan;
  plan.implementation = library.implementation();
  auto step = std::make_unique<Conv2dStep>(kit, node, problem, std::move(library), wanted,
                                           context.constant_input[kWeight]);
  plan.constant_bytes = step->constant_bytes();
  plan.workspace_bytes = step->workspace_bytes();
  // The packed weight is written and read, and an epilogue of its own goes over the output.
  if (!context.constant_input[kWeight]) plan.extra_bytes = 2 * packed_bytes(problem);
  if (!fused) plan.extra_bytes += 2 * context.out(0).bytes();
  plan.step = std::move(step);
  return plan;
}

}  // namespace

StepPlan prepare_conv2d(const Kit& kit, const PrepareContext& context) {
  require_operands(context.node, 2, 1);
  ConvolutionFusion wanted;
  const Node& node = context.node;
  wanted.bias = node.has_input(kBias);
  wanted.statistics = node.has_output(kDeviations);
  if (wanted.statistics)
    require(node.has_output(kSquares) && node.has_input(kShift), node, "both sums and a shift");
  return plan_convolution(kit, context, wanted);
}

StepPlan prepare_conv2d_fused(const Kit& kit, const PrepareContext& context) {
  const Node& node = context.node;
  require_operands(node, 2, 1);
  ConvolutionFusion wanted;
  wanted.bias = node.has_input(kBias);
  wanted.gate = node.has_input(kGate);
  wanted.residual = node.has_input(kResidual);
  wanted.relu = node.flag("relu");
  return plan_convolution(kit, context, wanted);
}

}  // namespace senet::cuda
