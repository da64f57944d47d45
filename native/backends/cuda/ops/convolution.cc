#include "backends/cuda/ops/convolution.h"

#include "core/error.h"

namespace senet::cuda {

namespace {

ConvolutionFusion fusion_of(const Node& node) {
  using namespace conv2d_operands;
  const bool with_epilogue = node.op == "conv2d_fused";
  ConvolutionFusion fusion;
  fusion.bias = node.has_input(kBias);
  fusion.gate = with_epilogue && node.has_input(kGate);
  fusion.residual = with_epilogue && node.has_input(kResidual);
  fusion.relu = with_epilogue && node.flag("relu");
  fusion.input_norm = node.has_input(kInputScale);
  fusion.statistics = node.has_output(kDeviations);
  fusion.sums = node.has_output(kSums);
  return fusion;
}

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

}  // namespace

ConvolutionProblem convolution_problem(const Kit& kit, const PrepareContext& context,
                                       ConvolutionDirection direction, const Value& x, const Value& y,
                                       const Value& weight) {
  const Node& node = context.node;
  require(x.is_map() && y.is_map() && weight.shape.size() == 4, node, "maps and a weight of rank 4");
  require(is_float(x) && x.dtype == y.dtype, node, "maps of one type");
  require_floats(node, weight, weight.elements());
  const auto stride = node.integers("stride"), padding = node.integers("padding"),
             dilation = node.integers("dilation");
  require(stride.size() == 2 && padding.size() == 4 && dilation.size() == 2, node, "a complete geometry");

  ConvolutionProblem p;
  p.direction = direction;
  p.images = x.shape[0];
  p.groups = node.integer("groups");
  p.in_height = x.shape[1], p.in_width = x.shape[2], p.in_channels = x.shape[3];
  p.out_channels = y.shape[3];
  p.kernel = {weight.shape[2], weight.shape[3]};
  p.stride = {stride[0], stride[1]};
  p.dilation = {dilation[0], dilation[1]};
  p.padding = {padding[0], padding[1], padding[2], padding[3]};
  p.storage = storage_of(x);
  p.tf32 = kit.tf32;

  // What follows keeps the library within the tensors.
  check_problem(node.layer, p);
  require(weight.shape[0] == p.out_channels && weight.shape[1] * p.groups == p.in_channels, node,
          "a weight that fits the maps");
  require(y.shape[0] == p.images && y.shape[1] == p.out_height() && y.shape[2] == p.out_width(), node,
          "an output of the geometry's size");
  return p;
}

ConvolutionProblem forward_problem(const Kit& kit, const PrepareContext& context) {
  using namespace conv2d_operands;
  const Node& node = context.node;
  ConvolutionProblem problem = convolution_problem(kit, context, ConvolutionDirection::kForward,
                                                   context.in(kX), context.out(kY), context.in(kWeight));
  problem.fusion = fusion_of(node);
  return problem;
}

bool fuses(const Kit& kit, const std::string& layer, const ConvolutionProblem& fused) {
  // Passes ask for these only where there is a plan and it pays.
  if (fused.fusion.input_norm || fused.fusion.sums || fused.fusion.statistics) return true;
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

MapSize output_size(const ConvolutionProblem& p) {
  return {p.images, p.out_height() * p.out_width(), p.out_channels};
}

size_t input_bytes(const ConvolutionProblem& p) {
  return static_cast<size_t>(p.images * p.in_height * p.in_width * p.in_channels) * size_of(p.storage);
}

WeightSize weight_size(const ConvolutionProblem& p) {
  const int64_t inputs = p.in_channels / p.groups;
  return {p.out_channels, inputs, p.kernel[0] * p.kernel[1], inputs};
}

size_t packed_bytes(const ConvolutionProblem& problem) {
  const WeightSize size = weight_size(problem);
  return static_cast<size_t>(size.outputs * size.inputs * size.positions) * size_of(problem.storage);
}

void pack(const ConvolutionProblem& problem, const float* weight, void* packed, cudaStream_t stream) {
  with_storage(problem.storage, [&](auto tag) {
    using T = TypeOf<decltype(tag)>;
    pack_weight(weight, static_cast<T*>(packed), weight_size(problem), stream);
  });
}

}  // namespace senet::cuda
