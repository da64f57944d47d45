// avg_pool: y = the sum over each window, padding as 0, divided by the number of its cells: with
// countIncludePad those in the input or its padding, else those in the input. avg_pool_grad: each input
// gathers dy / cells from the windows that hold it.
#include "backends/cpu/ops/elementwise.h"
#include "backends/cpu/ops/pool_window.h"
#include "backends/cpu/table.h"

namespace senet::cpu {
namespace {

// 1 / cells for each output position; 0 for windows without a cell in the input.
std::vector<float> inverse_cells(const Node& node, const PoolWindows& windows) {
  const bool include_padding = node.flag("countIncludePad");
  const auto cells = [include_padding](const PoolAxis& axis, int64_t o) {
    const int64_t inside = std::max<int64_t>(0, axis.window(o).size());
    return include_padding && inside > 0 ? axis.padded_cells(o) : inside;
  };
  std::vector<float> inverse;
  for (int64_t row = 0; row < windows.rows.output; ++row) {
    for (int64_t column = 0; column < windows.columns.output; ++column) {
      const int64_t count = cells(windows.rows, row) * cells(windows.columns, column);
      inverse.push_back(count > 0 ? 1.0f / static_cast<float>(count) : 0.0f);
    }
  }
  return inverse;
}

class AvgPoolStep final : public Step {
 public:
  AvgPoolStep(const MapLayout& x, const MapLayout& y, const PoolWindows& windows, std::vector<float> inverse)
      : x_map_(x),
        y_map_(y),
        rows_(all_windows(windows.rows)),
        columns_(all_windows(windows.columns)),
        inverse_cells_(std::move(inverse)) {}

  void bind(const Binding& binding) override {
    x_ = static_cast<const float*>(binding.inputs[0]);
    y_ = static_cast<float*>(binding.outputs[0]);
  }

  void run() override {
    parallel_rows(y_map_, [this](int64_t plane, int64_t row) {
      const int64_t block = y_map_.block;
      for (int64_t column = 0; column < y_map_.width; ++column) {
        float* y = y_ + ((plane * y_map_.height + row) * y_map_.width + column) * block;
        int64_t c = 0;
        for (; c + kLanes <= block; c += kLanes) store(y + c, average(plane, row, column, c, kLanes));
        if (c < block) store(y + c, average(plane, row, column, c, block - c), block - c);
      }
    });
  }

 private:
  Vec average(int64_t plane, int64_t row, int64_t column, int64_t c, int64_t width) const {
    const Range rows = rows_[row];
    const Range columns = columns_[column];
    Vec sum = {};
    for (int64_t h = rows.begin; h < rows.end; ++h) {
      const float* x = x_ + (plane * x_map_.height + h) * x_map_.width * x_map_.block + c;
      Vec row_sum = {};
      for (int64_t w = columns.begin; w < columns.end; ++w) row_sum += load(x + w * x_map_.block, width);
      sum += row_sum;
    }
    return sum * broadcast(inverse_cells_[row * y_map_.width + column]);
  }

  MapLayout x_map_, y_map_;
  std::vector<Range> rows_, columns_;  // the window of each output
  std::vector<float> inverse_cells_;
  const float* x_ = nullptr;
  float* y_ = nullptr;
};

class AvgPoolGradStep final : public Step {
 public:
  AvgPoolGradStep(const MapLayout& x, const MapLayout& y, const PoolWindows& windows,
                  std::vector<float> inverse)
      : x_map_(x),
        y_map_(y),
        rows_(all_covering(windows.rows)),
        columns_(all_covering(windows.columns)),
        inverse_cells_(std::move(inverse)) {}

  void bind(const Binding& binding) override {
    dy_ = static_cast<const float*>(binding.inputs[0]);
    dx_ = static_cast<float*>(binding.outputs[0]);
  }

  void run() override {
    parallel_rows(x_map_, [this](int64_t plane, int64_t row) {
      const int64_t block = x_map_.block;
      for (int64_t column = 0; column < x_map_.width; ++column) {
        float* dx = dx_ + ((plane * x_map_.height + row) * x_map_.width + column) * block;
        int64_t c = 0;
        for (; c + kLanes <= block; c += kLanes) store(dx + c, gather(plane, row, column, c, kLanes));
        if (c < block) store(dx + c, gather(plane, row, column, c, block - c), block - c);
      }
    });
  }

 private:
  Vec gather(int64_t plane, int64_t row, int64_t column, int64_t c, int64_t width) const {
    const Range rows = rows_[row];
    const Range columns = columns_[column];
    Vec sum = {};
    for (int64_t oh = rows.begin; oh < rows.end; ++oh) {
      for (int64_t ow = columns.begin; ow < columns.end; ++ow) {
        const int64_t position = oh * y_map_.width + ow;
        const float* dy = dy_ + (plane * y_map_.positions() + position) * y_map_.block + c;
        sum += load(dy, width) * broadcast(inverse_cells_[position]);
      }
    }
    return sum;
  }

  MapLayout x_map_, y_map_;
  std::vector<Range> rows_, columns_;  // the outputs over each input
  std::vector<float> inverse_cells_;
  const float* dy_ = nullptr;
  float* dx_ = nullptr;
};

}  // namespace

StepPlan prepare_avg_pool(const PrepareContext& context) {
  const Node& node = context.node;
  require_operands(node, 1, 1);
  const MapLayout x = checked_layout(node, context.in(0));
  const MapLayout y = checked_layout(node, context.out(0));
  const PoolWindows windows = pool_windows(node, x, y);
  StepPlan plan;
  plan.step = std::make_unique<AvgPoolStep>(x, y, windows, inverse_cells(node, windows));
  plan.implementation = "simd";
  return plan;
}

StepPlan prepare_avg_pool_grad(const PrepareContext& context) {
  const Node& node = context.node;
  require_operands(node, 1, 1);
  const MapLayout x = checked_layout(node, context.out(0));
  const MapLayout y = checked_layout(node, context.in(0));
  const PoolWindows windows = pool_windows(node, x, y);
  StepPlan plan;
  plan.step = std::make_unique<AvgPoolGradStep>(x, y, windows, inverse_cells(node, windows));
  plan.implementation = "simd";
  return plan;
}

}  // namespace senet::cpu
