#include "backends/cpu/kernels/strips.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "backends/cpu/kernels/choose.h"
#include "backends/cpu/parallel.h"
#include "backends/cpu/simd.h"

namespace senet::cpu {

namespace {

// Most vectors of a panel and, by their number, most positions of a strip: at most 12 sums in 16 registers.
constexpr int64_t kMostPanelVectors = 3;
constexpr int64_t strip_rows(int64_t vectors) {
  return vectors == 1 ? 8 : vectors == 2 ? 6 : 3;
}

// The weight of a panel that is multiplied with one strip after the other stays in the first level of the cache, the copy
// of the input and the sums in the second.
constexpr int64_t kWeightFloats = int64_t{6} << 10, kCopyFloats = int64_t{32} << 10,
                  kSumFloats = int64_t{64} << 10;

int64_t parts_of(int64_t count, int64_t most) {
  return (count + most - 1) / most;
}

// Each group's c-th channel in all lanes of its half.
template <int64_t kChannel>
Vec broadcast_halves(Vec v) {
  return __builtin_shufflevector(v, v, kChannel, kChannel, kChannel, kChannel, 4 + kChannel, 4 + kChannel,
                                 4 + kChannel, 4 + kChannel);
}

// Calls body(std::integral_constant) for each number below kCount.
template <int64_t kCount, typename Body>
void unrolled(const Body& body) {
  [&]<int64_t... kIndex>(std::integer_sequence<int64_t, kIndex...>) {
    (body(std::integral_constant<int64_t, kIndex>()), ...);
  }
  (std::make_integer_sequence<int64_t, kCount>());
}

}  // namespace

// A panel of a part, for the channels of a chunk.
template <int64_t kVectors>
struct Strips::Panel {
  const float *input, *weight, *gate;
  float* squeeze;  // of the part's image
  const int64_t* last_tap;
  const float* next;          // of the next panel's weight what a strip brings into the cache
  int64_t prefetched;         // floats of it for each tap
  float* sums;                // [position][vector]
  bool adds, finishes;        // to earlier chunks' sums; none are to come
  int64_t channel[kVectors];  // of y
  int64_t y[kVectors];        // where the part's first position lies
};

struct Strips::Operands {
  const float *x, *packed;
  const ConvolutionEpilogue& epilogue;
  float *copy, *sums, *y;
};

bool StripProblem::is_suitable() const {
  const int64_t in = x.channels / groups, out = y.channels / groups;
  const bool whole = in % kLanes == 0 && out % kLanes == 0;
  const bool halves = in == kLanes / 2 && out == kLanes / 2 && groups % 2 == 0;
  return x.block % kLanes == 0 && y.block % kLanes == 0 && (whole || halves);
}

// With one tap there is little to do for a copied float, and oneDNN's products take up to 30 % less time; but a gate
// costs them a pass over y, which makes it 3 to 24 % more where nothing has to be copied.
bool StripProblem::pays(bool gated) const {
  return kernel[0] * kernel[1] > 1 || (gated && is_in_place());
}

bool StripProblem::is_in_place() const {
  const std::array<int64_t, 2> ones{1, 1};
  return kernel == ones && stride == ones && x.block == kLanes && pad_top == 0 && pad_left == 0 &&
         x.height == y.height && x.width == y.width;
}

Strips::Strips(const StripProblem& problem, int64_t threads) : problem_(problem), threads_(threads) {
  const MapLayout &x = problem.x, &y = problem.y;
  width_ = std::min(kLanes, x.channels / problem.groups);
  units_ = problem.groups * width_ / kLanes;
  in_vectors_ = x.channels / kLanes / units_;
  out_vectors_ = y.channels / kLanes / units_;
  panels_ = parts_of(out_vectors_, out_vectors_ % 2 == 0 ? 2 : kMostPanelVectors);
  const int64_t widest = parts_of(out_vectors_, panels_);
  const int64_t taps = problem.kernel[0] * problem.kernel[1];
  chunks_ = parts_of(in_vectors_, std::max<int64_t>(1, kWeightFloats / (taps * width_ * widest * kLanes)));

  copy_width_ = (y.width - 1) * problem.stride[1] + (problem.kernel[1] - 1) * problem.dilation[1] + 1;
  const int64_t lines = parts_of(in_vectors_, chunks_) * copy_width_ * kLanes;
  const auto copy_rows = [&](int64_t rows) {
    return (rows - 1) * problem.stride[0] + (problem.kernel[0] - 1) * problem.dilation[0] + 1;
  };
  const auto sums = [&](int64_t rows) { return chunks_ == 1 ? 0 : rows * y.width * out_vectors_ * kLanes; };
  rows_ = 1;
  while (rows_ < y.height && copy_rows(rows_ + 1) * lines <= kCopyFloats && sums(rows_ + 1) <= kSumFloats) {
    ++rows_;
  }
  parts_ = parts_of(y.height, rows_);
  rows_ = parts_of(y.height, parts_);
  in_place_ = problem.is_in_place();
  by_panels_ = units_ == 1 && panels_ >= 4 * threads && x.channels * y.channels * taps > x.image_elements();
  copy_rows_ = in_place_ ? x.height : copy_rows(rows_);
  copy_floats_ = in_place_ ? 0 : copy_rows_ * lines;
  sum_floats_ = sums(rows_);
  const auto place = [&](int64_t row, int64_t column) { return (row * copy_width_ + column) * kLanes; };
  for (int64_t h = 0; h < rows_; ++h) {
    for (int64_t w = 0; w < y.width; ++w) {
      places_.push_back(place(h * problem.stride[0], w * problem.stride[1]));
    }
  }
  for (int64_t v = 0; v < parts_of(in_vectors_, chunks_); ++v) {
    for (int64_t i = 0; i < problem.kernel[0]; ++i) {
      for (int64_t j = 0; j < problem.kernel[1]; ++j) {
        taps_.push_back(place(v * copy_rows_ + i * problem.dilation[0], j * problem.dilation[1]));
      }
    }
  }
}

size_t Strips::weight_bytes() const {
  const int64_t taps = problem_.kernel[0] * problem_.kernel[1];
  return static_cast<size_t>(units_ * in_vectors_ * width_ * taps * out_vectors_ * kLanes) * sizeof(float);
}

size_t Strips::workspace_bytes() const {
  return static_cast<size_t>(threads_ * (copy_floats_ + sum_floats_)) * sizeof(float);
}

// As equal as can be.
Strips::Vectors Strips::panel(int64_t index) const {
  const int64_t first = out_vectors_ * index / panels_;
  return {first, out_vectors_ * (index + 1) / panels_ - first};
}
Strips::Vectors Strips::chunk(int64_t index) const {
  const int64_t first = in_vectors_ * index / chunks_;
  return {first, in_vectors_ * (index + 1) / chunks_ - first};
}

// The order is [unit][chunk][panel][vector of the chunk][tap][channel][vectors of the panel].
int64_t Strips::weight_place(int64_t unit, const Vectors& chunk, const Vectors& panel) const {
  const int64_t depth = problem_.kernel[0] * problem_.kernel[1] * width_;
  return ((unit * in_vectors_ + chunk.first) * out_vectors_ + panel.first * chunk.count) * depth * kLanes;
}

void Strips::pack(const float* weight, float* packed) const {
  const int64_t taps = problem_.kernel[0] * problem_.kernel[1];
  const int64_t depth = problem_.x.channels / problem_.groups, group = problem_.y.channels / problem_.groups;
  // The taps of output channel k and input channel c of its group.
  const auto taps_of = [&](int64_t k, int64_t c) {
    return weight + (problem_.turned ? (k / group * depth + c) * group + k % group : k * depth + c) * taps;
  };
  parallel_for(units_ * chunks_ * panels_, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t unit = i / (chunks_ * panels_);
      const Vectors in = chunk(i / panels_ % chunks_), out = panel(i % panels_);
      const int64_t first = (unit * out_vectors_ + out.first) * kLanes, lanes = out.count * kLanes;
      float* to = packed + weight_place(unit, in, out);
      // A vector of input channels at a time: what its filters are spread over stays in the cache.
      for (int64_t v = in.first; v < in.first + in.count; ++v) {
        for (int64_t k = 0; k < lanes; ++k) {
          for (int64_t c = 0; c < width_; ++c) {
            const float* from = taps_of(first + k, v * width_ + c);
            for (int64_t t = 0; t < taps; ++t) {
              to[(t * width_ + c) * lanes + k] = from[problem_.turned ? taps - 1 - t : t];
            }
          }
        }
        to += taps * width_ * lanes;
      }
    }
  });
}

void Strips::run(const float* x, const float* packed, const ConvolutionEpilogue& epilogue, float* workspace,
                 float* y) const {
  const int64_t parts = problem_.y.images * units_ * parts_;
  const auto part_of = [&](int64_t index) {
    const int64_t top = index % parts_ * rows_, rows = std::min(rows_, problem_.y.height - top);
    return Part{index / parts_ / units_, index / parts_ % units_, top, rows * problem_.y.width};
  };
  const auto share = [&](int64_t rank) {
    float* copy = workspace + rank * (copy_floats_ + sum_floats_);
    const Operands operands{x, packed, epilogue, copy, copy + copy_floats_, y};
    if (by_panels_) {
      const int64_t first = panels_ * rank / threads_, last = panels_ * (rank + 1) / threads_;
      for (int64_t i = 0; i < parts; ++i) run_part(operands, part_of(i), first, last);
      return;
    }
    int64_t begin = parts * panels_ * rank / threads_;
    const int64_t end = parts * panels_ * (rank + 1) / threads_;
    while (begin < end) {
      const int64_t first = begin % panels_, last = std::min(panels_, first + end - begin);
      run_part(operands, part_of(begin / panels_), first, last);
      begin += last - first;
    }
  };
  parallel_for(threads_, [&](int64_t begin, int64_t end) {
    for (int64_t rank = begin; rank < end; ++rank) share(rank);
  });
}

void Strips::run_part(const Operands& operands, const Part& part, int64_t first_panel,
                      int64_t last_panel) const {
  const int64_t taps = problem_.kernel[0] * problem_.kernel[1];
  for (int64_t i = 0; i < chunks_; ++i) {
    const Vectors in = chunk(i);
    const float* input = operands.copy;
    if (in_place_) {
      input = operands.x + problem_.x.offset(part.image, (part.unit * in_vectors_ + in.first) * kLanes,
                                             part.top * problem_.x.width);
    } else {
      copy_input(operands, part, in);
    }
    for (int64_t p = first_panel; p < last_panel; ++p) {
      const Vectors out = panel(p);
      choose<int64_t{1}, int64_t{2}, int64_t{3}>(out.count, [&](auto vectors) {
        constexpr int64_t kVectors = vectors(), kMost = strip_rows(kVectors);
        Panel<kVectors> panel;
        panel.input = input;
        panel.weight = operands.packed + weight_place(part.unit, in, out);
        panel.last_tap = taps_.data() + in.count * taps;
        panel.sums = operands.sums + out.first * part.positions * kLanes;
        panel.adds = i > 0;
        panel.finishes = i == chunks_ - 1;
        for (int64_t k = 0; k < kVectors; ++k) {
          panel.channel[k] = (part.unit * out_vectors_ + out.first + k) * kLanes;
          panel.y[k] = problem_.y.offset(part.image, panel.channel[k], part.top * problem_.y.width);
        }
        panel.gate = operands.epilogue.gate;
        if (panel.gate != nullptr) panel.gate += part.image * problem_.y.channels;
        panel.squeeze = operands.epilogue.sums_of(part.image, problem_.y.channels);
        const int64_t strips = parts_of(part.positions, kMost);
        const int64_t least = part.positions / strips, longer = part.positions % strips;
        const int64_t floats = in.count * taps * width_ * kVectors * kLanes;
        // The next panel's weight follows, and comes from memory meanwhile.
        panel.prefetched = width_ * kVectors * kLanes / strips;
        int64_t first = 0;
        for (int64_t s = 0; s < strips; ++s) {
          const int64_t count = least + (s < longer ? 1 : 0);
          panel.next = panel.weight + floats + floats * s / strips;
          choose_up_to<kMost>(count, [&](auto rows) {
            if (width_ == kLanes) {
              multiply<rows(), kVectors, kLanes>(operands, panel, first);
            } else if constexpr (kVectors == 1) {
              multiply<rows(), 1, kLanes / 2>(operands, panel, first);
            }
          });
          first += count;
        }
      });
    }
  }
}

// copy[vector][row][column][8]
void Strips::copy_input(const Operands& operands, const Part& part, const Vectors& chunk) const {
  const MapLayout& map = problem_.x;
  const int64_t top = part.top * problem_.stride[0] - problem_.pad_top;
  const int64_t begin = std::clamp<int64_t>(problem_.pad_left, 0, copy_width_);
  const int64_t end = std::clamp<int64_t>(map.width + problem_.pad_left, begin, copy_width_);
  for (int64_t v = 0; v < chunk.count; ++v) {
    const int64_t channel = (part.unit * in_vectors_ + chunk.first + v) * kLanes;
    for (int64_t row = 0; row < copy_rows_; ++row) {
      float* to = operands.copy + (v * copy_rows_ + row) * copy_width_ * kLanes;
      const int64_t h = top + row;
      if (h < 0 || h >= map.height) {
        std::fill(to, to + copy_width_ * kLanes, 0.0f);
        continue;
      }
      const float* from = operands.x + map.offset(part.image, channel, h * map.width);
      std::fill(to, to + begin * kLanes, 0.0f);
      for (int64_t w = begin; w < end; ++w) {
        store(to + w * kLanes, load(from + (w - problem_.pad_left) * map.block));
      }
      std::fill(to + end * kLanes, to + copy_width_ * kLanes, 0.0f);
    }
  }
}

template <int64_t kRows, int64_t kVectors, int64_t kWidth>
void Strips::multiply(const Operands& operands, const Panel<kVectors>& panel, int64_t position) const {
  const float* from[kRows];
  for (int64_t r = 0; r < kRows; ++r) from[r] = panel.input + places_[position + r];
  float* stored = panel.sums + position * kVectors * kLanes;
  Vec sums[kRows][kVectors] = {};
  if (panel.adds) {
    for (int64_t r = 0; r < kRows; ++r) {
      for (int64_t k = 0; k < kVectors; ++k) sums[r][k] = load(stored + (r * kVectors + k) * kLanes);
    }
  }

  const float *w = panel.weight, *next = panel.next;
  for (const int64_t* tap = taps_.data(); tap < panel.last_tap; ++tap) {
    const int64_t place = *tap;
    __builtin_prefetch(next);
    next += panel.prefetched;
    unrolled<kWidth>([&](auto channel) {
      constexpr int64_t kChannel = channel();
      Vec u[kVectors];
      for (int64_t k = 0; k < kVectors; ++k) u[k] = in_register(load(w + (kChannel * kVectors + k) * kLanes));
      for (int64_t r = 0; r < kRows; ++r) {
        Vec value;
        if constexpr (kWidth == kLanes) {
          value = broadcast(from[r][place + kChannel]);
        } else {
          value = broadcast_halves<kChannel>(load(from[r] + place));
        }
        for (int64_t k = 0; k < kVectors; ++k) sums[r][k] += value * u[k];
      }
    });
    w += kWidth * kVectors * kLanes;
  }
  if (!panel.finishes) {
    for (int64_t r = 0; r < kRows; ++r) {
      for (int64_t k = 0; k < kVectors; ++k) store(stored + (r * kVectors + k) * kLanes, sums[r][k]);
    }
    return;
  }

  const ConvolutionEpilogue& epilogue = operands.epilogue;
  const int64_t block = problem_.y.block;
  for (int64_t k = 0; k < kVectors; ++k) {
    const Vec bias = epilogue.bias == nullptr ? Vec{} : load(epilogue.bias + panel.channel[k]);
    const Vec gate = panel.gate == nullptr ? broadcast(1.0f) : load(panel.gate + panel.channel[k]);
    const int64_t start = panel.y[k] + position * block;
    Vec total{};
    for (int64_t r = 0; r < kRows; ++r) {
      const int64_t at = start + r * block;
      Vec value = (sums[r][k] + bias) * gate;
      if (epilogue.residual != nullptr) value += load(epilogue.residual + at);
      // Written so that a NaN stays one.
      if (epilogue.relu) value = value < Vec{} ? Vec{} : value;
      store(operands.y + at, value);
      total += value;
    }
    if (panel.squeeze != nullptr) {
      float* squeeze = panel.squeeze + panel.channel[k];
      store(squeeze, load(squeeze) + total);
    }
  }
}

}  // namespace senet::cpu
