#include "backends/cuda/ops/convolution.h"

namespace senet::cuda {

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
