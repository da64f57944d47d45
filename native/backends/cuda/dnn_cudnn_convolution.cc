// The operation graph of a convolution: what is fused ahead of it, itself, what is fused behind it.
#include <vector>

#include "backends/cuda/dnn_cudnn_graph.h"

namespace senet::cuda {

// Puts a convolution into a graph.
class ConvolutionGraph {
 public:
  using Tensor = OperationGraph::Tensor;

  ConvolutionGraph(OperationGraph* graph, const ConvolutionProblem& problem)
      : graph_(*graph), problem_(problem), fusion_(problem.fusion) {}

  void build() {
    using Direction = ConvolutionDirection;
    const Tensor x = graph_.operand(Operand::kX, input_dims(), type());
    const cudnnDataType_t weight_type =
        problem_.direction == Direction::kGradWeight ? cudnn_type(problem_.weight_gradient) : type();
    const Tensor weight = graph_.operand(Operand::kWeight,
                                         {problem_.out_channels, problem_.in_channels / problem_.groups,
                                          problem_.kernel[0], problem_.kernel[1]},
                                         weight_type);
    const Tensor y = graph_.operand(Operand::kY, output_dims(), type());
    if (problem_.direction == Direction::kGradInput) {
      grad_input(x, weight, y);
    } else if (problem_.direction == Direction::kGradWeight) {
      grad_weight(x, weight, y);
    } else {
      forward(normalized(x), weight, epilogue(y));
      for (const Step& step : steps_) {
        graph_.pointwise(step.mode, step.x, step.b.descriptor ? &step.b : nullptr, step.y);
      }
      if (fusion_.sums) graph_.reduce(y, graph_.operand(Operand::kSums, per_image(), CUDNN_DATA_FLOAT));
      if (fusion_.statistics) statistics(y);
    }
  }

 private:
  struct Step {
    cudnnPointwiseMode_t mode;
    Tensor x, b, y;
  };

  cudnnDataType_t type() const { return cudnn_type(problem_.storage); }
  std::vector<int64_t> input_dims() const {
    return {problem_.images, problem_.in_channels, problem_.in_height, problem_.in_width};
  }
  std::vector<int64_t> output_dims() const {
    return {problem_.images, problem_.out_channels, problem_.out_height(), problem_.out_width()};
  }
  std::vector<int64_t> per_image() const { return {problem_.images, problem_.out_channels, 1, 1}; }
  std::vector<int64_t> per_channel() const { return {1, problem_.out_channels, 1, 1}; }

  // relu(scale * x + shift) if asked for; in x's storage type, as the tensor cores take it.
  Tensor normalized(const Tensor& x) {
    if (!fusion_.input_norm) return x;
    const std::vector<int64_t> channels{1, problem_.in_channels, 1, 1};
    const Tensor scale = graph_.operand(Operand::kInputScale, channels, CUDNN_DATA_FLOAT);
    const Tensor shift = graph_.operand(Operand::kInputShift, channels, CUDNN_DATA_FLOAT);
    const Tensor scaled = graph_.inner(input_dims(), CUDNN_DATA_FLOAT);
    const Tensor shifted = graph_.inner(input_dims(), CUDNN_DATA_FLOAT);
    const Tensor result = graph_.inner(input_dims(), type());
    graph_.pointwise(CUDNN_POINTWISE_MUL, x, &scale, scaled);
    graph_.pointwise(CUDNN_POINTWISE_ADD, scaled, &shift, shifted);
    graph_.pointwise(CUDNN_POINTWISE_RELU_FWD, shifted, nullptr, result);
    return result;
  }

  // Plans the steps that lead from the convolution's result to y; returns the tensor that the convolution
  // writes.
  Tensor epilogue(const Tensor& y) {
    struct Part {
      cudnnPointwiseMode_t mode;
      Tensor b;
    };
    std::vector<Part> parts;
    const auto add_part = [&](bool wanted, cudnnPointwiseMode_t mode, Operand operand,
                              const std::vector<int64_t>& dims, cudnnDataType_t type) {
      if (wanted) parts.push_back({mode, graph_.operand(operand, dims, type)});
    };
    const auto multiply = CUDNN_POINTWISE_MUL, add = CUDNN_POINTWISE_ADD;
    add_part(fusion_.bias, add, Operand::kBias, per_channel(), CUDNN_DATA_FLOAT);
    add_part(fusion_.gate, multiply, Operand::kGate, per_image(), CUDNN_DATA_FLOAT);
    add_part(fusion_.residual, add, Operand::kResidual, output_dims(), type());
    if (fusion_.relu) parts.push_back({CUDNN_POINTWISE_RELU_FWD, {nullptr, {}}});

    const auto next = [&](size_t i) {
      return i == parts.size() ? y : graph_.inner(output_dims(), CUDNN_DATA_FLOAT);
    };
    const Tensor first = next(0);
    Tensor x = first;
    for (size_t i = 0; i < parts.size(); ++i) {
      steps_.push_back({parts[i].mode, x, parts[i].b, next(i + 1)});
      x = steps_.back().y;
    }
    return first;
  }

  void statistics(const Tensor& y) {
    const Tensor shift = graph_.operand(Operand::kShift, per_channel(), CUDNN_DATA_FLOAT);
    const Tensor deviation = graph_.inner(output_dims(), CUDNN_DATA_FLOAT);
    const Tensor square = graph_.inner(output_dims(), CUDNN_DATA_FLOAT);
    graph_.pointwise(CUDNN_POINTWISE_SUB, y, &shift, deviation);
    graph_.pointwise(CUDNN_POINTWISE_MUL, deviation, &deviation, square);
    graph_.reduce(deviation, graph_.operand(Operand::kDeviations, per_image(), CUDNN_DATA_FLOAT));
    graph_.reduce(square, graph_.operand(Operand::kSquares, per_image(), CUDNN_DATA_FLOAT));
  }

  const Descriptor& how() {
    const auto& p = problem_;
    Descriptor& how = graph_.add(CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR);
    how.set(CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS, int64_t{2});
    how.set(CUDNN_ATTR_CONVOLUTION_CONV_MODE, CUDNN_CROSS_CORRELATION);
    how.set(CUDNN_ATTR_CONVOLUTION_COMP_TYPE, CUDNN_DATA_FLOAT);
    how.set_all<int64_t>(CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, {p.padding[0], p.padding[2]});
    how.set_all<int64_t>(CUDNN_ATTR_CONVOLUTION_POST_PADDINGS, {p.padding[1], p.padding[3]});
    how.set_all<int64_t>(CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, {p.stride[0], p.stride[1]});
    how.set_all<int64_t>(CUDNN_ATTR_CONVOLUTION_DILATIONS, {p.dilation[0], p.dilation[1]});
    how.finalize();
    return how;
  }

  void forward(const Tensor& x, const Tensor& weight, const Tensor& y) {
    const Descriptor& convolution = how();
    Descriptor& o = graph_.add(CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR);
    o.refer(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC, convolution);
    o.refer(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X, *x.descriptor);
    o.refer(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W, *weight.descriptor);
    o.refer(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y, *y.descriptor);
    o.set(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA, 1.0f);
    o.set(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA, 0.0f);
    finish(o);
  }

  void grad_input(const Tensor& x, const Tensor& weight, const Tensor& y) {
    const Descriptor& convolution = how();
    Descriptor& o = graph_.add(CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR);
    o.refer(CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_CONV_DESC, convolution);
    o.refer(CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DX, *x.descriptor);
    o.refer(CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_W, *weight.descriptor);
    o.refer(CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DY, *y.descriptor);
    o.set(CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_ALPHA, 1.0f);
    o.set(CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_BETA, fusion_.accumulate ? 1.0f : 0.0f);
    finish(o);
  }

  void grad_weight(const Tensor& x, const Tensor& weight, const Tensor& y) {
    const Descriptor& convolution = how();
    Descriptor& o = graph_.add(CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_FILTER_DESCRIPTOR);
    o.refer(CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_CONV_DESC, convolution);
    o.refer(CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_X, *x.descriptor);
    o.refer(CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DW, *weight.descriptor);
    o.refer(CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DY, *y.descriptor);
    o.set(CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_ALPHA, 1.0f);
    o.set(CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_BETA, 0.0f);
    finish(o);
  }

  void finish(Descriptor& operation) {
    operation.finalize();
    graph_.operations_.push_back(&operation);
  }

  OperationGraph& graph_;
  const ConvolutionProblem& problem_;
  const ConvolutionFusion& fusion_;
  std::vector<Step> steps_;
};

OperationGraph::OperationGraph(const ConvolutionProblem& problem, const PlanTarget& target) {
  ConvolutionGraph(this, problem).build();
  finish(target);
}

}  // namespace senet::cuda
