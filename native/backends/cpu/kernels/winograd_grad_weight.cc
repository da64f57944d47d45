#include "backends/cpu/kernels/winograd.h"
#include "backends/cpu/kernels/winograd_tiles.h"

namespace senet::cpu {

using namespace winograd;

namespace {

// u[Rows, kPanel] (+)= v[depth, Rows]^T x m[depth, kPanel].
template <int64_t Rows>
void multiply_columns(const float* v, int64_t v_stride, const float* m, int64_t m_stride, int64_t depth,
                      bool add, float* u, int64_t u_stride) {
  Wide sums[Rows][2] = {};
  if (add) {
    for (int64_t r = 0; r < Rows; ++r) std::memcpy(sums[r], u + r * u_stride, sizeof sums[r]);
  }
  for (int64_t t = 0; t < depth; ++t) {
    const Wide m0 = load_wide(m + t * m_stride), m1 = load_wide(m + t * m_stride + kWide);
    for (int64_t r = 0; r < Rows; ++r) {
      const float x = v[t * v_stride + r];
      sums[r][0] += x * m0;
      sums[r][1] += x * m1;
    }
  }
  for (int64_t r = 0; r < Rows; ++r) std::memcpy(u + r * u_stride, sums[r], sizeof sums[r]);
}

}  // namespace

WinogradGradWeight::WinogradGradWeight(const WinogradProblem& problem)
    : problem_(problem),
      tiles_(problem.y),
      width_(whole_panels(problem.y.channels)),
      chunk_(chunk_of(tiles_, problem.x.channels + width_, kSharedFloats, 1)),
      input_slice_(slice_of(chunk_ * problem.x.channels)),
      output_slice_(slice_of(chunk_ * width_)) {}

size_t WinogradGradWeight::workspace_bytes() const {
  return bytes_of(input_slice_ + output_slice_ + problem_.x.channels * width_);
}

size_t WinogradGradWeight::extra_bytes() const {
  const int64_t chunks = (tiles_.count + chunk_ - 1) / chunk_;
  return 2 * bytes_of(tiles_.count * (problem_.x.channels + width_) + chunks * problem_.x.channels * width_);
}

void WinogradGradWeight::run(const float* x, const float* dy, float* workspace, float* dweight) const {
  float* v = workspace;
  float* m = v + kElements * input_slice_;
  float* u = m + kElements * output_slice_;
  in_team([&](const Team& team) {
    for (int64_t first = 0; first < tiles_.count; first += chunk_) {
      const int64_t count = std::min(chunk_, tiles_.count - first);
      transform_inputs(team, problem_, tiles_, x, first, count, input_slice_, v);
      transform_gradients(team, dy, first, count, m);
      team.wait();
      multiply(team, v, m, count, first > 0, u);
      team.wait();
    }
    transform_weight_gradient(team, u, dweight);
  });
}

// m[36][tile][K] = A dy A^T; the lanes that fill the last panel are zero.
void WinogradGradWeight::transform_gradients(const Team& team, const float* dy, int64_t first, int64_t count,
                                             float* m) const {
  const MapLayout& map = problem_.y;
  for_tiles(team, tiles_, first, count, width_,
            [&](int64_t tile, int64_t k, int64_t image, int64_t top, int64_t left) {
              Vec piece[kTile * kTile] = {}, rows[kTile * kPiece];
              if (k < map.channels) load_square<kTile>(map, dy, image, k, top, left, piece);
              for (int64_t i = 0; i < kTile; ++i)
                transform_gradient(piece + i * kTile, 1, rows + i * kPiece, 1);
              float* to = m + tile * width_ + k;
              for (int64_t j = 0; j < kPiece; ++j) {
                Vec column[kPiece];
                transform_gradient(rows + j, kPiece, column, 1);
                for (int64_t i = 0; i < kPiece; ++i) store(to + (i * kPiece + j) * output_slice_, column[i]);
              }
            });
}

// u[36][C][K] (+)= v[36][tile][C]^T x m[36][tile][K].
void WinogradGradWeight::multiply(const Team& team, const float* v, const float* m, int64_t count, bool add,
                                  float* u) const {
  const int64_t channels = problem_.x.channels, panels = width_ / kPanel;
  team.share(kElements * panels, [&](int64_t begin, int64_t end) {
    for (int64_t unit = begin; unit < end; ++unit) {
      const int64_t element = unit / panels, k = unit % panels * kPanel;
      const float* from_v = v + element * input_slice_;
      const float* from_m = m + element * output_slice_ + k;
      float* to = u + element * channels * width_ + k;
      for_row_groups(channels, [&](int64_t c, int64_t rows) {
        choose_rows(rows, [&](auto rows_known) {
          multiply_columns<rows_known()>(from_v + c, channels, from_m, width_, count, add, to + c * width_,
                                         width_);
        });
      });
    }
  });
}

// dweight[K,C,3,3] = G^T u G.
void WinogradGradWeight::transform_weight_gradient(const Team& team, const float* u, float* dweight) const {
  const int64_t inputs = problem_.x.channels, outputs = problem_.y.channels;
  const int64_t vectors = outputs / kLanes;
  team.share(vectors * inputs, [&](int64_t begin, int64_t end) {
    for (int64_t unit = begin; unit < end; ++unit) {
      const int64_t k = unit / inputs * kLanes, c = unit % inputs;
      Vec products[kElements], half[3 * kPiece], out[9];
      for (int64_t e = 0; e < kElements; ++e) products[e] = load(u + (e * inputs + c) * width_ + k);
      for (int64_t j = 0; j < kPiece; ++j) transform_kernel_gradient(products + j, kPiece, half + j, kPiece);
      for (int64_t i = 0; i < 3; ++i) transform_kernel_gradient(half + i * kPiece, 1, out + i * 3, 1);
      for (int64_t lane = 0; lane < kLanes; ++lane) {
        for (int64_t i = 0; i < 9; ++i) dweight[((k + lane) * inputs + c) * 9 + i] = out[i][lane];
      }
    }
  });
}

}  // namespace senet::cpu
