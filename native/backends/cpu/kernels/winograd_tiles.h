// What the directions of winograd.h share: the tiles of a map, what they read of the input, and the sizes of
// the matrix products.
#pragma once

#include <algorithm>
#include <cstring>

#include "backends/cpu/kernels/choose.h"
#include "backends/cpu/kernels/winograd.h"
#include "backends/cpu/kernels/winograd_transforms.h"
#include "backends/cpu/parallel.h"
#include "backends/cpu/simd.h"

namespace senet::cpu::winograd {

// A vector register, and how many rows of two registers an inner loop of the products keeps in registers: 12
// of 16, or 24 of 32.
#ifdef __AVX512F__
inline constexpr int64_t kWide = 16, kRows = 12;
typedef float Wide __attribute__((vector_size(64)));
#else
inline constexpr int64_t kWide = kLanes, kRows = 6;
using Wide = Vec;
#endif
// Output channels side by side in a product.
inline constexpr int64_t kPanel = 2 * kWide;

inline Wide load_wide(const float* p) {
  Wide v;
  std::memcpy(&v, p, sizeof v);
  return v;
}

// Calls body(std::integral_constant) for the number of rows.
template <typename Body>
inline void choose_rows(int64_t rows, const Body& body) {
#ifdef __AVX512F__
  choose<1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12>(rows, body);
#else
  choose<1, 2, 3, 4, 5, 6>(rows, body);
#endif
}

// Calls body(first, rows) for groups of at most kRows rows, as equal as can be.
template <typename Body>
inline void for_row_groups(int64_t rows, const Body& body) {
  const int64_t groups = (rows + kRows - 1) / kRows;
  for (int64_t group = 0; group < groups; ++group) {
    const int64_t first = rows * group / groups;
    body(first, rows * (group + 1) / groups - first);
  }
}

// Channels, to whole panels.
inline int64_t whole_panels(int64_t channels) {
  return (channels + kPanel - 1) / kPanel * kPanel;
}

// Tiles whose two transformed forms fit into so many floats, given the channels of both together; as many each time,
// in a number of chunks that `shares` divides.
inline int64_t chunk_of(const WinogradTiles& tiles, int64_t channels, int64_t floats, int64_t shares) {
  const int64_t most = std::max<int64_t>(1, floats / (kElements * channels));
  const int64_t chunks = ((tiles.count + most - 1) / most + shares - 1) / shares * shares;
  return (tiles.count + chunks - 1) / chunks;
}

// What stays in the last-level cache.
inline constexpr int64_t kSharedFloats = 3 << 19;

// A gap behind the data, so that the 36 slices do not fall into one set of the cache.
inline constexpr int64_t kGap = 16;
inline int64_t slice_of(int64_t floats) {
  return floats + kGap;
}

// Of 36 slices.
inline size_t bytes_of(int64_t floats) {
  return static_cast<size_t>(kElements * floats) * sizeof(float);
}

// The rows or columns of a piece of `length` at `start` that lie inside a map.
struct Inside {
  int64_t begin, end;
};
inline Inside inside(int64_t start, int64_t length, int64_t extent) {
  return {std::clamp<int64_t>(-start, 0, length), std::clamp<int64_t>(extent - start, 0, length)};
}

// Calls body(tile, channel, image, top, left) for each tile of a run of them and each eighth channel of a map, where top
// and left are the tile's first output.
template <typename Body>
void for_tiles(const Team& team, const WinogradTiles& tiles, int64_t first, int64_t count, int64_t channels,
               const Body& body) {
  const int64_t vectors = channels / kLanes, per_image = tiles.high * tiles.wide;
  team.share(count * vectors, [&](int64_t begin, int64_t end) {
    for (int64_t unit = begin; unit < end; ++unit) {
      const int64_t tile = unit / vectors, c = unit % vectors * kLanes;
      const int64_t image = (first + tile) / per_image, place = (first + tile) % per_image;
      body(tile, c, image, place / tiles.wide * kTile, place % tiles.wide * kTile);
    }
  });
}

// A square of kSide x kSide positions of a map at (top, left), zeros outside.
template <int64_t kSide>
inline void load_square(const MapLayout& map, const float* data, int64_t image, int64_t c, int64_t top,
                        int64_t left, Vec* square) {
  const auto [row_begin, row_end] = inside(top, kSide, map.height);
  const auto [column_begin, column_end] = inside(left, kSide, map.width);
  const float* from = data + map.offset(image, c, 0) + (top * map.width + left) * map.block;
  if (row_end - row_begin < kSide || column_end - column_begin < kSide) {
    for (int64_t i = 0; i < kSide * kSide; ++i) square[i] = Vec{};
  }
  for (int64_t i = row_begin; i < row_end; ++i) {
    for (int64_t j = column_begin; j < column_end; ++j)
      square[i * kSide + j] = load(from + (i * map.width + j) * map.block);
  }
}

// v[36][tile][C] = B^T x B, slices `slice` floats apart.
inline void transform_inputs(const Team& team, const WinogradProblem& problem, const WinogradTiles& tiles,
                             const float* x, int64_t first, int64_t count, int64_t slice, float* v) {
  const MapLayout& map = problem.x;
  for_tiles(team, tiles, first, count, map.channels,
            [&](int64_t tile, int64_t c, int64_t image, int64_t top, int64_t left) {
              Vec piece[kElements], rows[kElements];
              load_square<kPiece>(map, x, image, c, top - problem.pad_top, left - problem.pad_left, piece);
              for (int64_t i = 0; i < kPiece; ++i)
                transform_input(piece + i * kPiece, 1, rows + i * kPiece, 1);
              float* to = v + tile * map.channels + c;
              for (int64_t j = 0; j < kPiece; ++j) {
                Vec column[kPiece];
                transform_input(rows + j, kPiece, column, 1);
                for (int64_t i = 0; i < kPiece; ++i) store(to + (i * kPiece + j) * slice, column[i]);
              }
            });
}

}  // namespace senet::cpu::winograd
