// max_pool: y = the greatest cell of each window, a NaN counting as greatest and padding as nothing; index
// (u8, in y's storage order) = the place of the first greatest in the window, row * kernel width + column.
// max_pool_grad: dx[i] = the sum of dy over the windows that hold i and whose index says i. Each input
// gathers its own sum, so no two threads write one cell and the order of the additions is fixed.
#include <limits>

#include "backends/cpu/kernels/choose.h"
#include "backends/cpu/ops/elementwise.h"
#include "backends/cpu/ops/pool_window.h"
#include "backends/cpu/table.h"

namespace senet::cpu {
namespace {

inline VecInt broadcast_int(int64_t i) {
  const auto j = static_cast<int32_t>(i);
  return VecInt{j, j, j, j, j, j, j, j};
}
// In the few instructions that GCC does not find for a conversion of vectors. The first byte is the lowest, as on every
// processor that there is a build for.
inline VecInt load_bytes(const uint8_t* p, int64_t width) {
  typedef uint32_t VecBits __attribute__((vector_size(32)));
  uint32_t halves[2] = {};
  std::memcpy(halves, p, width >= kLanes ? sizeof halves : static_cast<size_t>(width));
  const auto [low, high] = halves;
  const VecBits bits = {low, low, low, low, high, high, high, high};
  return reinterpret_cast<VecInt>((bits >> VecBits{0, 8, 16, 24, 0, 8, 16, 24}) & 255U);
}
inline void store_bytes(uint8_t* p, VecInt v, int64_t width) {
  typedef uint8_t VecByte __attribute__((vector_size(8)));
  const VecByte bytes = __builtin_convertvector(v, VecByte);
  std::memcpy(p, &bytes, width >= kLanes ? sizeof bytes : static_cast<size_t>(width));
}

struct Best {
  Vec value;
  VecInt index;
};

// The maximum over rows x columns cells; first is the index of the first cell, row_step what a row adds to
// it. Sizes other than 0 in the template arguments stand for the sizes in the arguments.
template <int kRows, int kColumns, bool kIndex>
inline Best window_max(const float* x, int64_t rows, int64_t columns, int64_t row_stride, int64_t stride,
                       int64_t first, int64_t row_step, int64_t width) {
  if constexpr (kRows != 0) rows = kRows;
  if constexpr (kColumns != 0) columns = kColumns;
  Best best = {load(x, width), broadcast_int(first)};
  for (int64_t row = 0; row < rows; ++row) {
    for (int64_t column = 0; column < columns; ++column) {
      const Vec value = load(x + row * row_stride + column * stride, width);
      const VecInt better = (value > best.value) | is_nan(value);
      best.value = better ? value : best.value;
      if constexpr (kIndex) {
        best.index = better ? broadcast_int(first + row * row_step + column) : best.index;
      }
    }
  }
  return best;
}

template <bool kIndex>
class MaxPoolStep final : public Step {
 public:
  MaxPoolStep(const MapLayout& x, const MapLayout& y, const PoolWindows& windows)
      : x_map_(x),
        y_map_(y),
        windows_(windows),
        rows_(all_windows(windows.rows)),
        columns_(all_windows(windows.columns)) {}

  void bind(const Binding& binding) override {
    x_ = static_cast<const float*>(binding.inputs[0]);
    y_ = static_cast<float*>(binding.outputs[0]);
    if constexpr (kIndex) index_ = static_cast<uint8_t*>(binding.outputs[1]);
  }

  void run() override {
    parallel_rows(y_map_, [this](int64_t plane, int64_t row) {
      for (int64_t column = 0; column < y_map_.width; ++column) pool(plane, row, column);
    });
  }

 private:
  void pool(int64_t plane, int64_t row, int64_t column) {
    const int64_t block = y_map_.block;
    const int64_t out = ((plane * y_map_.height + row) * y_map_.width + column) * block;
    const Range rows = rows_[row];
    const Range columns = columns_[column];
    if (rows.size() <= 0 || columns.size() <= 0) {
      std::fill_n(y_ + out, block, -std::numeric_limits<float>::infinity());
      if constexpr (kIndex) std::fill_n(index_ + out, block, uint8_t{0});
      return;
    }
    const float* x = x_ + ((plane * x_map_.height + rows.begin) * x_map_.width + columns.begin) * block;
    const int64_t first = (rows.begin - windows_.rows.start(row)) * windows_.columns.kernel +
                          (columns.begin - windows_.columns.start(column));
    const auto reduce = [&](int64_t c, int64_t width) {
      const Best best = window_max<0, 0, kIndex>(x + c, rows.size(), columns.size(), x_map_.width * block,
                                                 block, first, windows_.columns.kernel, width);
      put(out + c, best, width);
    };
    int64_t c = 0;
    if (rows.size() == 3 && columns.size() == 3) {
      for (; c + kLanes <= block; c += kLanes) {
        put(out + c,
            window_max<3, 3, kIndex>(x + c, 3, 3, x_map_.width * block, block, first, windows_.columns.kernel,
                                     kLanes),
            kLanes);
      }
    }
    for (; c + kLanes <= block; c += kLanes) reduce(c, kLanes);
    if (c < block) reduce(c, block - c);
  }

  void put(int64_t out, const Best& best, int64_t width) {
    store(y_ + out, best.value, width);
    if constexpr (kIndex) store_bytes(index_ + out, best.index, width);
  }

  MapLayout x_map_, y_map_;
  PoolWindows windows_;
  std::vector<Range> rows_, columns_;  // the window of each output
  const float* x_ = nullptr;
  float* y_ = nullptr;
  uint8_t* index_ = nullptr;
};

// The sum of dy over rows x columns outputs where the index is the one that the input has in the window: `first` in the
// first window, less by row_step and column_step in the next ones. Sizes as for window_max.
template <int kRows, int kColumns>
inline Vec gather(const float* dy, const uint8_t* index, int64_t rows, int64_t columns, int64_t row_stride,
                  int64_t stride, int64_t first, int64_t row_step, int64_t column_step, int64_t width) {
  if constexpr (kRows != 0) rows = kRows;
  if constexpr (kColumns != 0) columns = kColumns;
  Vec sum = {};
  for (int64_t row = 0; row < rows; ++row) {
    for (int64_t column = 0; column < columns; ++column) {
      const int64_t i = row * row_stride + column * stride;
      const VecInt here = broadcast_int(first - row * row_step - column * column_step);
      sum += load_bytes(index + i, width) == here ? load(dy + i, width) : Vec{};
    }
  }
  return sum;
}

class MaxPoolGradStep final : public Step {
 public:
  MaxPoolGradStep(const MapLayout& x, const MapLayout& y, const PoolWindows& windows)
      : x_map_(x),
        y_map_(y),
        windows_(windows),
        rows_(all_covering(windows.rows)),
        columns_(all_covering(windows.columns)) {}

  void bind(const Binding& binding) override {
    dy_ = static_cast<const float*>(binding.inputs[0]);
    index_ = static_cast<const uint8_t*>(binding.inputs[1]);
    dx_ = static_cast<float*>(binding.outputs[0]);
  }

  void run() override {
    parallel_rows(x_map_, [this](int64_t plane, int64_t row) {
      for (int64_t column = 0; column < x_map_.width; ++column) {
        const int64_t rows = rows_[row].size(), columns = columns_[column].size();
        if (rows < 1 || rows > 2 || columns < 1 || columns > 2) {
          fill<0, 0>(plane, row, column);
          continue;
        }
        // All that there is with windows less than three strides wide.
        choose<1, 2>(rows, [&](auto r) {
          choose<1, 2>(columns, [&](auto c) { fill<r(), c()>(plane, row, column); });
        });
      }
    });
  }

 private:
  template <int kRows, int kColumns>
  void fill(int64_t plane, int64_t row, int64_t column) const {
    const int64_t block = x_map_.block, row_stride = y_map_.width * block;
    const Range rows = rows_[row], columns = columns_[column];
    const int64_t row_step = windows_.rows.stride * windows_.columns.kernel;
    const int64_t first = (row - windows_.rows.start(rows.begin)) * windows_.columns.kernel + column -
                          windows_.columns.start(columns.begin);
    const int64_t from = (plane * y_map_.height + rows.begin) * row_stride + columns.begin * block;
    float* dx = dx_ + ((plane * x_map_.height + row) * x_map_.width + column) * block;
    // A known width has a version of its own.
    const auto put = [&](int64_t c, auto width) {
      const Vec sum =
          gather<kRows, kColumns>(dy_ + from + c, index_ + from + c, rows.size(), columns.size(), row_stride,
                                  block, first, row_step, windows_.columns.stride, width);
      store(dx + c, sum, width);
    };
    int64_t c = 0;
    for (; c + kLanes <= block; c += kLanes) put(c, std::integral_constant<int64_t, kLanes>());
    if (c < block) put(c, block - c);
  }

  MapLayout x_map_, y_map_;
  PoolWindows windows_;
  std::vector<Range> rows_, columns_;  // the outputs over each input
  const float* dy_ = nullptr;
  const uint8_t* index_ = nullptr;
  float* dx_ = nullptr;
};

void require_index(const Node& node, const Value& index, const Value& y, const PoolWindows& windows) {
  checked_layout(node, index, DType::kUint8);
  require(same_storage(index, y), node, "an index of the output's shape and layout");
  require(windows.rows.kernel * windows.columns.kernel <= 255, node, "at most 255 cells in a window");
}

}  // namespace

StepPlan prepare_max_pool(const PrepareContext& context) {
  const Node& node = context.node;
  require_operands(node, 1, 1);
  const MapLayout x = checked_layout(node, context.in(0));
  const MapLayout y = checked_layout(node, context.out(0));
  const PoolWindows windows = pool_windows(node, x, y);
  StepPlan plan;
  if (node.has_output(1)) {
    require_index(node, context.out(1), context.out(0), windows);
    plan.step = std::make_unique<MaxPoolStep<true>>(x, y, windows);
  } else {
    plan.step = std::make_unique<MaxPoolStep<false>>(x, y, windows);
  }
  plan.implementation = "simd";
  return plan;
}

StepPlan prepare_max_pool_grad(const PrepareContext& context) {
  const Node& node = context.node;
  require_operands(node, 2, 1);
  const MapLayout x = checked_layout(node, context.out(0));
  const MapLayout y = checked_layout(node, context.in(0));
  const PoolWindows windows = pool_windows(node, x, y);
  require_index(node, context.in(1), context.in(0), windows);
  StepPlan plan;
  plan.step = std::make_unique<MaxPoolGradStep>(x, y, windows);
  plan.implementation = "simd";
  return plan;
}

}  // namespace senet::cpu
