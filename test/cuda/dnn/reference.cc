// Convolutions by their definition, in double precision, and the comparison of a run with them.
#include <algorithm>
#include <cmath>

#include "support.h"

namespace senet::cuda::test {

namespace {

// Element (n, position, channel) of a map, or 0 outside of it.
double at(const std::vector<float>& map, int64_t height, int64_t width, int64_t channels, int64_t n,
          int64_t h, int64_t w, int64_t c) {
  if (h < 0 || w < 0 || h >= height || w >= width) return 0.0;
  return double{map[static_cast<size_t>(((n * height + h) * width + w) * channels + c)]};
}

double weight_at(const ConvolutionProblem& p, const std::vector<float>& weight, int64_t k, int64_t r,
                 int64_t s, int64_t c) {
  const int64_t channels = p.in_channels / p.groups;
  return double{weight[static_cast<size_t>(((k * p.kernel[0] + r) * p.kernel[1] + s) * channels + c)]};
}

double forward_at(const ConvolutionProblem& p, const Operands& o, int64_t n, int64_t row, int64_t column,
                  int64_t k) {
  const int64_t channels = p.in_channels / p.groups;
  const int64_t first = k / (p.out_channels / p.groups) * channels;
  double sum = 0.0;
  for (int64_t c = 0; c < channels; ++c) {
    for (int64_t r = 0; r < p.kernel[0]; ++r) {
      for (int64_t s = 0; s < p.kernel[1]; ++s) {
        const int64_t h = row * p.stride[0] - p.padding[0] + r * p.dilation[0];
        const int64_t w = column * p.stride[1] - p.padding[2] + s * p.dilation[1];
        sum += at(o.x, p.in_height, p.in_width, p.in_channels, n, h, w, first + c) *
               weight_at(p, o.weight, k, r, s, c);
      }
    }
  }
  return sum;
}

double grad_input_at(const ConvolutionProblem& p, const Operands& o, int64_t n, int64_t h, int64_t w,
                     int64_t c) {
  const int64_t channels = p.in_channels / p.groups, outputs = p.out_channels / p.groups;
  double sum = 0.0;
  for (int64_t k = c / channels * outputs; k < (c / channels + 1) * outputs; ++k) {
    for (int64_t r = 0; r < p.kernel[0]; ++r) {
      for (int64_t s = 0; s < p.kernel[1]; ++s) {
        const int64_t row = h + p.padding[0] - r * p.dilation[0],
                      column = w + p.padding[2] - s * p.dilation[1];
        if (row < 0 || column < 0 || row % p.stride[0] != 0 || column % p.stride[1] != 0) continue;
        sum += at(o.y, p.out_height(), p.out_width(), p.out_channels, n, row / p.stride[0],
                  column / p.stride[1], k) *
               weight_at(p, o.weight, k, r, s, c % channels);
      }
    }
  }
  return sum;
}

double grad_weight_at(const ConvolutionProblem& p, const Operands& o, int64_t k, int64_t r, int64_t s,
                      int64_t c) {
  const int64_t first = k / (p.out_channels / p.groups) * (p.in_channels / p.groups);
  double sum = 0.0;
  for (int64_t n = 0; n < p.images; ++n) {
    for (int64_t row = 0; row < p.out_height(); ++row) {
      for (int64_t column = 0; column < p.out_width(); ++column) {
        const int64_t h = row * p.stride[0] - p.padding[0] + r * p.dilation[0];
        const int64_t w = column * p.stride[1] - p.padding[2] + s * p.dilation[1];
        sum += at(o.x, p.in_height, p.in_width, p.in_channels, n, h, w, first + c) *
               at(o.y, p.out_height(), p.out_width(), p.out_channels, n, row, column, k);
      }
    }
  }
  return sum;
}

// What is fused behind a forward convolution, on one value of y.
double finish(const ConvolutionFusion& f, const Operands& o, int64_t n, int64_t k, int64_t channels, size_t i,
              double value) {
  if (f.bias) value += double{o.bias[static_cast<size_t>(k)]};
  if (f.gate) value *= double{o.gate[static_cast<size_t>(n * channels + k)]};
  if (f.residual) value += double{o.residual[i]};
  return f.relu ? std::max(value, 0.0) : value;
}

// Calls visit(a, b, c, d) for all indices in order.
template <typename Visit>
void for_each(int64_t as, int64_t bs, int64_t cs, int64_t ds, const Visit& visit) {
  for (int64_t a = 0; a < as; ++a) {
    for (int64_t b = 0; b < bs; ++b) {
      for (int64_t c = 0; c < cs; ++c) {
        for (int64_t d = 0; d < ds; ++d) visit(a, b, c, d);
      }
    }
  }
}

// Per image and channel the sum of visit(value, channel) over y as it was written.
template <typename Value>
std::vector<double> sums_of(const ConvolutionProblem& p, const std::vector<float>& y, const Value& value) {
  std::vector<double> sums(static_cast<size_t>(p.images * p.out_channels));
  size_t i = 0;
  for_each(
      p.images, p.out_height(), p.out_width(), p.out_channels, [&](int64_t n, int64_t, int64_t, int64_t k) {
        sums[static_cast<size_t>(n * p.out_channels + k)] += value(double{y[i++]}, static_cast<size_t>(k));
      });
  return sums;
}

std::vector<float> normalized(const ConvolutionProblem& p, const Operands& o) {
  std::vector<float> x = o.x;
  for (size_t i = 0; i < x.size(); ++i) {
    const size_t c = i % static_cast<size_t>(p.in_channels);
    x[i] = rounded(std::max(o.input_scale[c] * x[i] + o.input_shift[c], 0.0f), p.storage);
  }
  return x;
}

}  // namespace

Operands random_operands(const ConvolutionProblem& p) {
  const int64_t in = p.images * p.in_height * p.in_width * p.in_channels;
  const int64_t out = p.images * p.out_height() * p.out_width() * p.out_channels;
  const int64_t weights = p.out_channels * p.kernel[0] * p.kernel[1] * p.in_channels / p.groups;
  const auto floats = [](int64_t count, uint32_t seed) {
    return random_values(count, seed, Storage::kFloat32);
  };
  return {random_values(in, 1, p.storage),
          random_values(weights, 2, p.storage),
          random_values(out, 3, p.storage),
          floats(p.in_channels, 4),
          floats(p.in_channels, 5),
          floats(p.out_channels, 6),
          floats(p.images * p.out_channels, 7),
          random_values(out, 8, p.storage),
          floats(p.out_channels, 9)};
}

std::vector<double> reference(const ConvolutionProblem& p, const Operands& given) {
  Operands o = given;
  if (p.fusion.input_norm) o.x = normalized(p, given);
  std::vector<double> result;
  if (p.direction == ConvolutionDirection::kForward) {
    for_each(p.images, p.out_height(), p.out_width(), p.out_channels,
             [&](int64_t n, int64_t row, int64_t column, int64_t k) {
               const double value = forward_at(p, o, n, row, column, k);
               result.push_back(finish(p.fusion, o, n, k, p.out_channels, result.size(), value));
             });
  } else if (p.direction == ConvolutionDirection::kGradInput) {
    for_each(p.images, p.in_height, p.in_width, p.in_channels,
             [&](int64_t n, int64_t h, int64_t w, int64_t c) {
               const double before = p.fusion.accumulate ? double{o.x[result.size()]} : 0.0;
               result.push_back(grad_input_at(p, o, n, h, w, c) + before);
             });
  } else {
    for_each(p.out_channels, p.kernel[0], p.kernel[1], p.in_channels / p.groups,
             [&](int64_t k, int64_t r, int64_t s, int64_t c) {
               result.push_back(grad_weight_at(p, o, k, r, s, c));
             });
  }
  return result;
}

double check_convolution(Session* session, const ConvolutionProblem& p, double tolerance) {
  Operands o = random_operands(p);
  const std::vector<double> expected = reference(p, o);
  const bool forward = p.direction == ConvolutionDirection::kForward;
  const bool grad_weight = p.direction == ConvolutionDirection::kGradWeight;
  // What is only written starts as NaN.
  std::vector<float>& written = forward ? o.y : grad_weight ? o.weight : o.x;
  if (!p.fusion.accumulate) std::fill(written.begin(), written.end(), NAN);
  const auto f32 = Storage::kFloat32;
  const DeviceArray x(o.x, p.storage), weight(o.weight, grad_weight ? p.weight_gradient : p.storage),
      y(o.y, p.storage);
  const DeviceArray scale(o.input_scale, f32), input_shift(o.input_shift, f32), bias(o.bias, f32),
      gate(o.gate, f32);
  const DeviceArray residual(o.residual, p.storage), shift(o.shift, f32);
  const std::vector<float> unset(static_cast<size_t>(p.images * p.out_channels), NAN);
  const DeviceArray sums(unset, f32), deviations(unset, f32), squares(unset, f32);
  session->run(
      p, {x.get(), weight.get(), y.get(), scale.floats(), input_shift.floats(), bias.floats(), gate.floats(),
          residual.get(), sums.floats(), shift.floats(), deviations.floats(), squares.floats()});

  const double sum_tolerance = 1e-5;
  if (p.fusion.sums) {
    const auto plain = [](double value, size_t) { return value; };
    expect_close("sums", sums.read(), sums_of(p, y.read(), plain), sum_tolerance);
  }
  if (p.fusion.statistics) {
    const auto deviation = [&](double value, size_t k) { return value - double{o.shift[k]}; };
    const auto square = [&](double value, size_t k) { return std::pow(value - double{o.shift[k]}, 2); };
    expect_close("deviations", deviations.read(), sums_of(p, y.read(), deviation), sum_tolerance);
    expect_close("squares", squares.read(), sums_of(p, y.read(), square), sum_tolerance);
  }
  return expect_close("result", (forward ? y : grad_weight ? weight : x).read(), expected, tolerance);
}

}  // namespace senet::cuda::test
