#include "backends/cpu/kernels/group_gradient.h"

#include <algorithm>
#include <utility>

#include "backends/cpu/kernels/choose.h"
#include "backends/cpu/parallel.h"
#include "backends/cpu/simd.h"

namespace senet::cpu {

namespace {

// Pieces of work that are enough for an even share on many cores. They depend on the shape alone, and so do all sums.
constexpr int64_t kWantedPieces = 64;
// Sums that stay in registers.
constexpr int64_t kRegisterSums = 12;

template <int64_t kGroup>
constexpr int64_t kMostTaps = kGroup == 1 ? 7 : 3;

// Lane l of the result is lane l ^ kBy of v.
template <int kBy>
Vec exchange_lanes(Vec v) {
  return __builtin_shufflevector(v, v, 0 ^ kBy, 1 ^ kBy, 2 ^ kBy, 3 ^ kBy, 4 ^ kBy, 5 ^ kBy, 6 ^ kBy,
                                 7 ^ kBy);
}

// sums[d] += dy * x with lanes exchanged by d.
template <int64_t kGroup>
void add_products(Vec dy, Vec x, Vec* sums) {
  [&]<int... kBy>(std::integer_sequence<int, kBy...>) {
    ((sums[kBy] += dy * exchange_lanes<kBy>(x)), ...);
  }
  (std::make_integer_sequence<int, kGroup>());
}

// Outputs of a row that all of some taps next to each other see inside the input.
struct Interior {
  int64_t begin, end;
};
Interior interior(int64_t outputs, int64_t inputs, int64_t stride, int64_t first, int64_t last) {
  // first and last: the input columns of the first and the last tap for output 0.
  const int64_t begin = std::min(outputs, first < 0 ? (-first + stride - 1) / stride : 0);
  const int64_t end = last >= inputs ? 0 : std::min(outputs, (inputs - 1 - last) / stride + 1);
  return {begin, std::max(begin, end)};
}

}  // namespace

bool GroupGradientProblem::is_suitable() const {
  const auto whole = [](const MapLayout& map) {
    return map.channels % kLanes == 0 && map.block % kLanes == 0;
  };
  return (group == 1 || group == 2 || group == 4) && x.channels == y.channels && whole(x) && whole(y);
}

// For depthwise kernels of 3x3 oneDNN has code of its own. With AVX2 it takes 0.65 to 0.75 of the time on maps of
// 14x14, but 1.2 to 1.5 times as long on 56x56 and 112x112.
bool GroupGradientProblem::pays() const {
  const std::array<int64_t, 2> three{3, 3}, ones{1, 1};
  const bool direct = group == 1 && kernel == three && dilation == ones;
  return !direct || y.positions() >= int64_t{48} * 48;
}

GroupGradient::GroupGradient(const GroupGradientProblem& problem)
    : problem_(problem),
      vectors_(problem.y.channels / kLanes),
      chunks_(std::min(problem.y.images, (kWantedPieces + vectors_ - 1) / vectors_)) {}

int64_t GroupGradient::vector_sums() const {
  return problem_.kernel[0] * problem_.kernel[1] * problem_.group * kLanes;
}

size_t GroupGradient::workspace_bytes() const {
  return static_cast<size_t>(chunks_ * vectors_ * vector_sums()) * sizeof(float);
}

// Adds to sums[kernel height][kernel width][group] of eight channels what an image gives, by kTaps taps of each of the
// kernel's rows from tap `first` on. Each row of outputs is summed by itself.
template <int64_t kGroup, int64_t kTaps>
void GroupGradient::add_taps(int64_t image, int64_t channel, int64_t first, const float* x, const float* dy,
                             float* sums) const {
  // Outputs side by side, with sums of their own, so that additions need not wait for each other.
  constexpr int64_t kAtOnce = std::max<int64_t>(1, kRegisterSums / (kTaps * kGroup));
  const MapLayout &from = problem_.x, &to = problem_.y;
  const int64_t stride = problem_.stride[1], dilation = problem_.dilation[1];
  const int64_t left = first * dilation - problem_.pad_left;
  const auto [begin, end] = interior(to.width, from.width, stride, left, left + (kTaps - 1) * dilation);
  const float* x_map = x + from.offset(image, channel, 0);
  const float* dy_map = dy + to.offset(image, channel, 0);
  for (int64_t i = 0; i < problem_.kernel[0]; ++i) {
    Vec image_sums[kTaps][kGroup] = {};
    for (int64_t r = 0; r < to.height; ++r) {
      const int64_t row = r * problem_.stride[0] + i * problem_.dilation[0] - problem_.pad_top;
      if (row < 0 || row >= from.height) continue;
      const float* dy_row = dy_map + r * to.width * to.block;
      const float* x_row = x_map + row * from.width * from.block;
      Vec row_sums[kAtOnce][kTaps][kGroup] = {};
      const auto add_inside = [&](int64_t q, int64_t u) {
        const Vec g = load(dy_row + (q + u) * to.block);
        const float* at = x_row + ((q + u) * stride + left) * from.block;
        for (int64_t j = 0; j < kTaps; ++j) {
          add_products<kGroup>(g, load(at + j * dilation * from.block), row_sums[u][j]);
        }
      };
      const auto add_at_edge = [&](int64_t q) {
        const Vec g = load(dy_row + q * to.block);
        for (int64_t j = 0; j < kTaps; ++j) {
          const int64_t column = q * stride + left + j * dilation;
          if (column < 0 || column >= from.width) continue;
          add_products<kGroup>(g, load(x_row + column * from.block), row_sums[0][j]);
        }
      };
      for (int64_t q = 0; q < begin; ++q) add_at_edge(q);
      int64_t q = begin;
      for (; q + kAtOnce <= end; q += kAtOnce) {
        for (int64_t u = 0; u < kAtOnce; ++u) add_inside(q, u);
      }
      for (; q < end; ++q) add_inside(q, 0);
      for (; q < to.width; ++q) add_at_edge(q);
      for (int64_t u = 0; u < kAtOnce; ++u) {
        for (int64_t j = 0; j < kTaps; ++j) {
          for (int64_t d = 0; d < kGroup; ++d) image_sums[j][d] += row_sums[u][j][d];
        }
      }
    }
    float* out = sums + (i * problem_.kernel[1] + first) * kGroup * kLanes;
    for (int64_t j = 0; j < kTaps; ++j) {
      for (int64_t d = 0; d < kGroup; ++d, out += kLanes) store(out, load(out) + image_sums[j][d]);
    }
  }
}

template <int64_t kGroup>
void GroupGradient::add_image(int64_t image, int64_t channel, const float* x, const float* dy,
                              float* sums) const {
  for (int64_t first = 0; first < problem_.kernel[1];) {
    const int64_t taps = std::min(problem_.kernel[1] - first, kMostTaps<kGroup>);
    choose_up_to<kMostTaps<kGroup>>(taps, [&](auto count) {
      add_taps<kGroup, decltype(count)::value>(image, channel, first, x, dy, sums);
    });
    first += taps;
  }
}

// From the sums of all chunks of eight channels to their weights.
void GroupGradient::merge(const float* sums, int64_t vector, float* dweight) const {
  const int64_t taps = problem_.kernel[0] * problem_.kernel[1], group = problem_.group;
  for (int64_t tap = 0; tap < taps; ++tap) {
    for (int64_t d = 0; d < group; ++d) {
      Vec total{};
      for (int64_t chunk = 0; chunk < chunks_; ++chunk) {
        total += load(sums + (chunk * vectors_ + vector) * vector_sums() + (tap * group + d) * kLanes);
      }
      for (int64_t lane = 0; lane < kLanes; ++lane) {
        const int64_t c = (lane ^ d) % group;
        dweight[((vector * kLanes + lane) * group + c) * taps + tap] = total[lane];
      }
    }
  }
}

void GroupGradient::run(const float* x, const float* dy, float* workspace, float* dweight) const {
  const int64_t images = problem_.y.images;
  choose<1, 2, 4>(problem_.group, [&](auto group) {
    parallel_for(chunks_ * vectors_, [&](int64_t begin, int64_t end) {
      for (int64_t piece = begin; piece < end; ++piece) {
        const int64_t chunk = piece / vectors_, vector = piece % vectors_;
        float* sums = workspace + piece * vector_sums();
        std::fill(sums, sums + vector_sums(), 0.0f);
        for (int64_t n = images * chunk / chunks_; n < images * (chunk + 1) / chunks_; ++n) {
          add_image<decltype(group)::value>(n, vector * kLanes, x, dy, sums);
        }
      }
    });
  });
  parallel_for(vectors_, [&](int64_t begin, int64_t end) {
    for (int64_t vector = begin; vector < end; ++vector) merge(workspace, vector, dweight);
  });
}

}  // namespace senet::cpu
