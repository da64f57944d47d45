#include "backends/cpu/kernels/winograd.h"

#include "backends/cpu/kernels/winograd_tiles.h"

namespace senet::cpu {

using namespace winograd;

namespace {

// A thread that has tiles to itself keeps their transformed forms in so many floats on its stack, in its own
// cache. That is the faster way where the weight, of so many pairs of channels, stays there as well.
constexpr int64_t kLocalFloats = 1 << 15;
constexpr int64_t kLocalData = kLocalFloats - 2 * kElements * kGap;  // of it, without the gaps of both forms
constexpr int64_t kLocalPairs = int64_t{32} * 32;

// m[Rows, kPanel] = v[Rows, depth] x u[depth, kPanel]. Meanwhile a share of what is read next, `step` floats for each c,
// comes from memory into the cache.
template <int64_t Rows>
void multiply_rows(const float* v, int64_t depth, const float* u, float* m, int64_t m_stride,
                   const float* next, int64_t step) {
  Wide sums[Rows][2] = {};
  for (int64_t c = 0; c < depth; ++c) {
    const Wide u0 = load_wide(u + c * kPanel), u1 = load_wide(u + c * kPanel + kWide);
    __builtin_prefetch(next + c * step);
    for (int64_t r = 0; r < Rows; ++r) {
      const float x = v[r * depth + c];
      sums[r][0] += x * u0;
      sums[r][1] += x * u1;
    }
  }
  for (int64_t r = 0; r < Rows; ++r) std::memcpy(m + r * m_stride, sums[r], sizeof sums[r]);
}

void multiply_rows(int64_t rows, const float* v, int64_t depth, const float* u, float* m, int64_t m_stride,
                   const float* next, int64_t step) {
  choose_rows(rows, [&](auto count) { multiply_rows<count()>(v, depth, u, m, m_stride, next, step); });
}

}  // namespace

bool WinogradProblem::is_suitable() const {
  const auto whole = [](const MapLayout& map) {
    return map.channels % kLanes == 0 && map.block % kLanes == 0;
  };
  return whole(x) && whole(y);
}

// Times in units of a multiply-add at peak, for one thread; measured with AVX2.
bool WinogradProblem::pays() const {
  const bool of_weight = direction == WinogradDirection::kGradWeight;
  const double direct_product = of_weight ? 1.6 : 1.35, product = 1.1;
  const double transform = 300;  // of a channel of a tile
  const auto c = static_cast<double>(x.channels), k = static_cast<double>(y.channels);
  // Of a float of the weight, as it is and in transformed form: from memory, or where they are few from a cache.
  const bool cached = kElements * c * k < (1 << 18);
  const double direct_float = cached ? 4 : 22;
  const double weight_float = of_weight ? (cached ? 60 : 200) : direct_float;
  const auto padded = static_cast<double>(whole_panels(y.channels));
  const auto positions = static_cast<double>(y.images * y.positions());
  const auto tiles = static_cast<double>(WinogradTiles(y).count);
  const double direct = 9 * c * k * (positions * direct_product + direct_float);
  return kElements * c * padded * (tiles * product + weight_float) + tiles * (c + k) * transform < direct;
}

WinogradTiles::WinogradTiles(const MapLayout& y)
    : high((y.height + kTile - 1) / kTile),
      wide((y.width + kTile - 1) / kTile),
      count(y.images * high * wide) {}

Winograd::Winograd(const WinogradProblem& problem)
    : problem_(problem),
      tiles_(problem.y),
      width_(whole_panels(problem.y.channels)),
      alone_(kElements * (problem.x.channels + width_) <= kLocalData &&
             problem.x.channels * width_ <= kLocalPairs),
      chunk_(alone_ ? chunk_of(tiles_, problem.x.channels + width_, kLocalData, omp_get_max_threads())
                    : chunk_of(tiles_, problem.x.channels + width_, kSharedFloats, 1)),
      input_slice_(slice_of(chunk_ * problem.x.channels)),
      output_slice_(slice_of(chunk_ * width_)) {}

size_t Winograd::weight_bytes() const {
  return bytes_of(problem_.x.channels * width_);
}
size_t Winograd::workspace_bytes() const {
  return alone_ ? 0 : bytes_of(input_slice_ + output_slice_);
}
size_t Winograd::extra_bytes() const {
  return alone_ ? 0 : 2 * bytes_of(tiles_.count * (problem_.x.channels + width_));
}

void Winograd::pack(const float* weight, float* packed) const {
  const int64_t depth = problem_.x.channels, channels = problem_.y.channels;
  const bool turned = problem_.direction == WinogradDirection::kGradInput;
  // Floats from one kernel to that of the next output, and of the next input channel.
  const int64_t next_output = turned ? 9 : depth * 9;
  const int64_t next_input = turned ? channels * 9 : 9;
  parallel_for(width_ / kPanel * depth, [&](int64_t begin, int64_t end) {
    for (int64_t unit = begin; unit < end; ++unit) {
      const int64_t c = unit % depth;
      for (int64_t half = 0; half < 2; ++half) {
        const int64_t k = unit / depth * kPanel + half * kWide;
        Wide kernel[9] = {}, columns[18], transformed[kElements];
        for (int64_t lane = 0; lane < std::min(kWide, channels - k); ++lane) {
          const float* from = weight + (k + lane) * next_output + c * next_input;
          for (int64_t i = 0; i < 9; ++i) kernel[i][lane] = from[turned ? 8 - i : i];
        }
        for (int64_t j = 0; j < 3; ++j) transform_kernel(kernel + j, 3, columns + j, 3);
        for (int64_t i = 0; i < kPiece; ++i)
          transform_kernel(columns + i * 3, 1, transformed + i * kPiece, 1);
        float* to = packed + unit * kPanel + half * kWide;
        for (int64_t e = 0; e < kElements; ++e) {
          std::memcpy(to + e * depth * width_, transformed + e, sizeof(Wide));
        }
      }
    }
  });
}

void Winograd::run(const float* x, const float* packed, const ConvolutionEpilogue& epilogue, float* workspace,
                   float* y) const {
  const auto chunk = [&](const Team& team, int64_t index, float* v) {
    const int64_t first = index * chunk_, count = std::min(chunk_, tiles_.count - first);
    float* m = v + kElements * input_slice_;
    transform_inputs(team, problem_, tiles_, x, first, count, input_slice_, v);
    team.wait();
    multiply(team, v, packed, count, m);
    team.wait();
    transform_outputs(team, m, first, count, epilogue, y);
  };
  const int64_t chunks = (tiles_.count + chunk_ - 1) / chunk_;
  if (alone_) {
    parallel_for(chunks, [&](int64_t begin, int64_t end) {
      alignas(64) float local[kLocalFloats];
      for (int64_t index = begin; index < end; ++index) chunk(Team(0, 1), index, local);
    });
  } else {
    in_team([&](const Team& team) {
      for (int64_t index = 0; index < chunks; ++index) chunk(team, index, workspace);
    });
  }
}

// m[36][tile][K] = v[36][tile][C] x packed[36][panel of K][C].
void Winograd::multiply(const Team& team, const float* v, const float* packed, int64_t count,
                        float* m) const {
  const int64_t depth = problem_.x.channels, panels = width_ / kPanel;
  team.share(kElements * panels, [&](int64_t begin, int64_t end) {
    for (int64_t unit = begin; unit < end; ++unit) {
      const int64_t element = unit / panels, panel = unit % panels;
      const float* u = packed + unit * depth * kPanel;
      const float* from = v + element * input_slice_;
      float* to = m + element * output_slice_ + panel * kPanel;
      // Of the weight the next panel follows. For one image the products take 23 % less time so.
      const int64_t floats = depth * kPanel;
      for_row_groups(count, [&](int64_t tile, int64_t rows) {
        multiply_rows(rows, from + tile * depth, depth, u, to + tile * width_, width_,
                      u + floats + floats * tile / count, kPanel * rows / count);
      });
    }
  });
}

// y = epilogue(A^T m A).
void Winograd::transform_outputs(const Team& team, const float* m, int64_t first, int64_t count,
                                 const ConvolutionEpilogue& epilogue, float* y) const {
  const MapLayout& map = problem_.y;
  for_tiles(team, tiles_, first, count, map.channels,
            [&](int64_t tile, int64_t k, int64_t image, int64_t top, int64_t left) {
              const float* from = m + tile * width_ + k;
              Vec products[kElements], half[kTile * kPiece], out[kTile * kTile];
              for (int64_t e = 0; e < kElements; ++e) products[e] = load(from + e * output_slice_);
              for (int64_t j = 0; j < kPiece; ++j) transform_products(products + j, kPiece, half + j, kPiece);
              for (int64_t i = 0; i < kTile; ++i)
                transform_products(half + i * kPiece, 1, out + i * kTile, 1);
              const Vec bias = epilogue.bias == nullptr ? Vec{} : load(epilogue.bias + k);
              const Vec gate =
                  epilogue.gate == nullptr ? broadcast(1.0f) : load(epilogue.gate + image * map.channels + k);
              const int64_t start = map.offset(image, k, 0) + (top * map.width + left) * map.block;
              Vec total{};
              for (int64_t i = 0; i < std::min(kTile, map.height - top); ++i) {
                for (int64_t j = 0; j < std::min(kTile, map.width - left); ++j) {
                  const int64_t at = start + (i * map.width + j) * map.block;
                  Vec value = (out[i * kTile + j] + bias) * gate;
                  if (epilogue.residual != nullptr) value += load(epilogue.residual + at);
                  // Written so that a NaN stays one.
                  if (epilogue.relu) value = value < Vec{} ? Vec{} : value;
                  store(y + at, value);
                  total += value;
                }
              }
              if (float* squeeze = epilogue.sums_of(image, map.channels); squeeze != nullptr) {
                store(squeeze + k, load(squeeze + k) + total);
              }
            });
}

}  // namespace senet::cpu
