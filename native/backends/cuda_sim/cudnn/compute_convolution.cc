// Convolutions: sums in double precision over factors rounded as the engine's notes say.
#include <algorithm>
#include <cmath>
#include <vector>

#include "backends/cuda_sim/cudnn/compute.h"

namespace senet::sim {

namespace {

// What an engine that is not exact is off by, as a factor on its results: enough for a test to see.
float inaccuracy(const CudnnEngine& engine, uint64_t run) {
  if (engine.has(CUDNN_NUMERICAL_NOTE_REDUCED_PRECISION_REDUCTION)) return 1.0f + 0x1p-5f;
  if (engine.has(CUDNN_NUMERICAL_NOTE_FFT)) return 1.0f + 0x1p-12f;
  if (engine.has(CUDNN_NUMERICAL_NOTE_WINOGRAD)) return 1.0f + 0x1p-13f;
  if (engine.has(CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC)) return 1.0f + 0x1p-8f * static_cast<float>(run % 2);
  return 1.0f;
}

void round_factors(const CudnnEngine& engine, CudnnValues* factors) {
  if (engine.has(CUDNN_NUMERICAL_NOTE_DOWN_CONVERT_INPUTS)) {
    for (float& value : factors->values) value = rounded(value, CUDNN_DATA_BFLOAT16);
  } else if (engine.has(CUDNN_NUMERICAL_NOTE_TENSOR_CORE)) {
    // Nothing changes for 16-bit values: all of them are TF32 values as well.
    for (float& value : factors->values) value = rounded_to_tf32(value);
  }
}

// Calls tap(x_index, weight_index, y_index) for the first of each group's channels that meet in a product.
template <typename Tap>
void for_each_tap(const CudnnOperation& o, const CudnnValues& x, const CudnnValues& weight,
                  const CudnnValues& y, const Tap& tap) {
  const int64_t channels = o.b.dims[1];
  const int64_t outputs_per_group = o.y.dims[1] / (o.x.dims[1] / channels);
  for (int64_t n = 0; n < o.y.dims[0]; ++n) {
    for (int64_t row = 0; row < o.y.dims[2]; ++row) {
      for (int64_t column = 0; column < o.y.dims[3]; ++column) {
        for (int64_t r = 0; r < o.b.dims[2]; ++r) {
          const int64_t h = row * o.stride[0] - o.before[0] + r * o.dilation[0];
          if (h < 0 || h >= o.x.dims[2]) continue;
          for (int64_t s = 0; s < o.b.dims[3]; ++s) {
            const int64_t w = column * o.stride[1] - o.before[1] + s * o.dilation[1];
            if (w < 0 || w >= o.x.dims[3]) continue;
            for (int64_t k = 0; k < o.y.dims[1]; ++k) {
              tap(x.index(n, k / outputs_per_group * channels, h, w), weight.index(k, 0, r, s),
                  y.index(n, k, row, column));
            }
          }
        }
      }
    }
  }
}

}  // namespace

void compute_convolution(const CudnnOperation& o, const CudnnEngine& engine, uint64_t run, CudnnValues* x,
                         CudnnValues* weight, CudnnValues* y) {
  const auto channels = static_cast<size_t>(o.b.dims[1]);
  CudnnValues* result = o.kind == CudnnOperationKind::kForward     ? y
                        : o.kind == CudnnOperationKind::kGradInput ? x
                                                                   : weight;
  for (CudnnValues* factors : {x, weight, y}) {
    if (factors != result) round_factors(engine, factors);
  }
  std::vector<double> sums(result->values.size());
  if (o.kind == CudnnOperationKind::kForward) {
    for_each_tap(o, *x, *weight, *y, [&](size_t i, size_t j, size_t to) {
      double sum = 0.0;
      for (size_t c = 0; c < channels; ++c) sum += double{x->values[i + c]} * double{weight->values[j + c]};
      sums[to] += sum;
    });
  } else if (o.kind == CudnnOperationKind::kGradInput) {
    for_each_tap(o, *x, *weight, *y, [&](size_t to, size_t j, size_t i) {
      const double factor = y->values[i];
      for (size_t c = 0; c < channels; ++c) sums[to + c] += factor * double{weight->values[j + c]};
    });
  } else {
    for_each_tap(o, *x, *weight, *y, [&](size_t j, size_t to, size_t i) {
      const double factor = y->values[i];
      for (size_t c = 0; c < channels; ++c) sums[to + c] += factor * double{x->values[j + c]};
    });
  }
  const double factor = double{o.alpha} * double{inaccuracy(engine, run)};
  for (size_t i = 0; i < sums.size(); ++i) {
    // Not read when beta is 0: what is there may be NaN.
    const double before = o.beta == 0.0f ? 0.0 : double{o.beta} * double{result->values[i]};
    result->values[i] = static_cast<float>(factor * sums[i] + before);
  }
}

}  // namespace senet::sim
