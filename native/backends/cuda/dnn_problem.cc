// Problems as plain data: derived sizes, checks, the text of their keys, and matrix products as convolutions.
#include <sstream>

#include "backends/cuda/dnn.h"
#include "core/error.h"

namespace senet::cuda {

namespace {

const char* name(Storage storage) {
  if (storage == Storage::kFloat16) return "float16";
  return storage == Storage::kBFloat16 ? "bfloat16" : "float32";
}

const char* name(ConvolutionDirection direction) {
  if (direction == ConvolutionDirection::kForward) return "forward";
  return direction == ConvolutionDirection::kGradInput ? "grad_input" : "grad_weight";
}

int64_t out_size(int64_t in, int64_t before, int64_t after, int64_t kernel, int64_t stride,
                 int64_t dilation) {
  return (in + before + after - (kernel - 1) * dilation - 1) / stride + 1;
}

}  // namespace

int64_t ConvolutionProblem::out_height() const {
  return out_size(in_height, padding[0], padding[1], kernel[0], stride[0], dilation[0]);
}

int64_t ConvolutionProblem::out_width() const {
  return out_size(in_width, padding[2], padding[3], kernel[1], stride[1], dilation[1]);
}

std::string to_string(const ConvolutionProblem& p) {
  std::ostringstream text;
  text << "conv " << name(p.direction) << " n=" << p.images << " c=" << p.in_channels << " h=" << p.in_height
       << " w=" << p.in_width << " k=" << p.out_channels << " kernel=" << p.kernel[0] << ',' << p.kernel[1]
       << " stride=" << p.stride[0] << ',' << p.stride[1] << " dilation=" << p.dilation[0] << ','
       << p.dilation[1] << " padding=" << p.padding[0] << ',' << p.padding[1] << ',' << p.padding[2] << ','
       << p.padding[3] << " groups=" << p.groups << ' ' << name(p.storage);
  if (p.tf32) text << " tf32";
  if (p.direction == ConvolutionDirection::kGradWeight) text << " gradient=" << name(p.weight_gradient);
  const ConvolutionFusion& f = p.fusion;
  if (f.input_norm) text << " input_norm";
  if (f.bias) text << " bias";
  if (f.gate) text << " gate";
  if (f.residual) text << " residual";
  if (f.relu) text << " relu";
  if (f.sums) text << " sums";
  if (f.statistics) text << " statistics";
  if (f.accumulate) text << " accumulate";
  return text.str();
}

void check_problem(const std::string& layer, const ConvolutionProblem& p) {
  const auto require = [&](bool holds, const char* what) {
    if (!holds) throw Error(ErrorCode::kArgument, layer + ": " + what + ": " + to_string(p));
  };
  bool positive = true;
  for (const int64_t size :
       {p.images, p.groups, p.in_channels, p.in_height, p.in_width, p.out_channels, p.kernel[0], p.kernel[1],
        p.stride[0], p.stride[1], p.dilation[0], p.dilation[1]}) {
    positive = positive && size > 0;
  }
  require(positive, "sizes must be positive");
  for (const int64_t side : p.padding) require(side >= 0, "padding must not be negative");
  require(p.in_channels % p.groups == 0 && p.out_channels % p.groups == 0, "groups must divide the channels");
  // Division rounds towards zero: a kernel just too large would give a size of 1.
  require(p.in_height + p.padding[0] + p.padding[1] > (p.kernel[0] - 1) * p.dilation[0] &&
              p.in_width + p.padding[2] + p.padding[3] > (p.kernel[1] - 1) * p.dilation[1],
          "the kernel must fit into the padded input");
  ConvolutionFusion forward = p.fusion;
  forward.accumulate = false;
  require(p.direction == ConvolutionDirection::kForward || forward == ConvolutionFusion{},
          "only a forward convolution has these fused");
  require(p.direction == ConvolutionDirection::kGradInput || !p.fusion.accumulate,
          "only the gradient of the input accumulates");
}

ConvolutionProblem as_convolution(const std::string& layer, const MatrixProblem& m) {
  ConvolutionProblem p;
  p.in_height = p.in_width = 1;
  p.storage = p.weight_gradient = m.storage;
  p.tf32 = m.tf32;
  p.fusion.bias = m.bias;
  if (m.transpose_a && m.transpose_b) {
    throw Error(ErrorCode::kUnsupported, layer + ": the product of two transposed matrices");
  }
  if (m.transpose_b) {
    p.direction = ConvolutionDirection::kForward;
    p.images = m.rows, p.in_channels = m.depth, p.out_channels = m.columns;
  } else if (m.transpose_a) {
    p.direction = ConvolutionDirection::kGradWeight;
    p.images = m.depth, p.in_channels = m.columns, p.out_channels = m.rows;
  } else {
    p.direction = ConvolutionDirection::kGradInput;
    p.images = m.rows, p.in_channels = m.columns, p.out_channels = m.depth;
  }
  return p;
}

ConvolutionAddresses as_convolution(const MatrixProblem& problem, const MatrixAddresses& addresses) {
  ConvolutionAddresses a;
  a.bias = addresses.bias;
  if (problem.transpose_b) {
    a.x = addresses.a, a.weight = addresses.b, a.y = addresses.y;
  } else if (problem.transpose_a) {
    a.y = addresses.a, a.x = addresses.b, a.weight = addresses.y;
  } else {
    a.y = addresses.a, a.weight = addresses.b, a.x = addresses.y;
  }
  return a;
}

}  // namespace senet::cuda
