#include "backends/cpu/kernels/grouped_products.h"

#include <algorithm>

#include "backends/cpu/kernels/choose.h"
#include "backends/cpu/ops/elementwise.h"
#include "backends/cpu/parallel.h"

namespace senet::cpu {

namespace {

// Most vectors of a panel, and the rows whose sums an inner loop keeps in registers: at most 12 sums in 16 registers.
constexpr int64_t kMostVectors = 2;
constexpr int64_t rows_of(int64_t vectors) {
  return vectors == 1 ? 8 : 6;
}

// Rows whose x and y stay in the first level of the cache from panel to panel.
constexpr int64_t kBlockRows = 24;

}  // namespace

GroupedProducts::GroupedProducts(const GroupedProblem& problem)
    : problem_(problem),
      depth_(problem.in_channels / problem.groups),
      width_(problem.out_channels / problem.groups),
      vectors_((width_ + kLanes - 1) / kLanes) {}

size_t GroupedProducts::weight_bytes() const {
  return static_cast<size_t>(problem_.groups * depth_ * vectors_ * kLanes) * sizeof(float);
}

// As equal panels as can be, of at most kMostVectors.
template <typename Body>
void GroupedProducts::for_panels(const Body& body) const {
  const int64_t panels = (vectors_ + kMostVectors - 1) / kMostVectors;
  for (int64_t panel = 0; panel < panels; ++panel) {
    const int64_t begin = vectors_ * panel / panels, end = vectors_ * (panel + 1) / panels;
    body(Panel{begin * kLanes, std::min(width_, end * kLanes) - begin * kLanes, end - begin});
  }
}

void GroupedProducts::pack(const float* weight, float* packed) const {
  float* to = packed;
  for (int64_t group = 0; group < problem_.groups; ++group) {
    for_panels([&](const Panel& panel) {
      const float* from = weight + (group * width_ + panel.first) * depth_;
      for (int64_t c = 0; c < depth_; ++c) {
        for (int64_t k = 0; k < panel.vectors * kLanes; ++k) {
          *to++ = k < panel.width ? from[k * depth_ + c] : 0.0f;
        }
      }
    });
  }
}

template <int64_t kRows, int64_t kVectors>
void GroupedProducts::multiply(int64_t group, const Panel& panel, int64_t row, const float* x, const float* w,
                               const ConvolutionEpilogue& epilogue, float* y) const {
  const int64_t x_stride = problem_.in_channels, y_stride = problem_.out_channels;
  const float* from = x + row * x_stride + group * depth_;
  Vec sums[kRows][kVectors] = {};
  for (int64_t c = 0; c < depth_; ++c) {
    Vec u[kVectors];
    for (int64_t v = 0; v < kVectors; ++v) u[v] = load(w + (c * kVectors + v) * kLanes);
    for (int64_t r = 0; r < kRows; ++r) {
      const float value = from[r * x_stride + c];
      for (int64_t v = 0; v < kVectors; ++v) sums[r][v] += value * u[v];
    }
  }
  const int64_t channel = group * width_ + panel.first;
  const auto finish = [&](auto lanes_of) {
    for (int64_t r = 0; r < kRows; ++r) {
      const int64_t start = (row + r) * y_stride + channel;
      const float* gate = epilogue.gate;
      if (gate != nullptr) gate += (row + r) / problem_.positions * y_stride + channel;
      for (int64_t v = 0; v < kVectors; ++v) {
        const int64_t lanes = lanes_of(v), k = v * kLanes;
        Vec value = sums[r][v];
        if (epilogue.bias != nullptr) value += load(epilogue.bias + channel + k, lanes);
        if (gate != nullptr) value *= load(gate + k, lanes);
        if (epilogue.residual != nullptr) value += load(epilogue.residual + start + k, lanes);
        // Written so that a NaN stays one.
        if (epilogue.relu) value = value < Vec{} ? Vec{} : value;
        store(y + start + k, value, lanes);
      }
    }
  };
  if (panel.width == kVectors * kLanes) {
    finish([](int64_t) { return kLanes; });
  } else {
    finish([&](int64_t v) { return std::min(kLanes, panel.width - v * kLanes); });
  }
}

void GroupedProducts::run(const float* x, const float* packed, const ConvolutionEpilogue& epilogue,
                          float* /*workspace*/, float* y) const {
  const int64_t rows = problem_.images * problem_.positions;
  const auto block = [&](int64_t first, int64_t last) {
    const float* w = packed;
    for (int64_t group = 0; group < problem_.groups; ++group) {
      for_panels([&](const Panel& panel) {
        choose<int64_t{1}, int64_t{2}>(panel.vectors, [&](auto vectors) {
          constexpr int64_t kMost = rows_of(vectors());
          for (int64_t row = first; row < last; row += kMost) {
            choose_up_to<kMost>(std::min(kMost, last - row), [&](auto count) {
              multiply<count(), vectors()>(group, panel, row, x, w, epilogue, y);
            });
          }
        });
        w += depth_ * panel.vectors * kLanes;
      });
    }
  };
  parallel_for((rows + kBlockRows - 1) / kBlockRows, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) block(i * kBlockRows, std::min(rows, (i + 1) * kBlockRows));
  });
}

}  // namespace senet::cpu
