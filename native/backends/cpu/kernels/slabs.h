// How a pass over a map is cut into pieces of work.
//
// A slab is a run of positions of one image, seen as rows of `lanes` floats: one lane for each channel, or
// several positions side by side where the channels are too few to fill vectors (lane l is channel l %
// channels). In both layouts of a map (layout.h) the lanes of a row lie next to each other, so a pass is the
// same loop over rows and vectors for either, with its per-channel coefficients spread over lanes in small
// arrays that stay in L1.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <numeric>
#include <type_traits>

#include "backends/cpu/kernels/access.h"
#include "backends/cpu/kernels/small_stage.h"
#include "backends/cpu/layout.h"

namespace senet::cpu {

// Most lanes of a slab: five coefficient arrays of this length fill a third of L1.
inline constexpr int64_t kMaxLanes = 512;
// Rows summed in plain float32 before the sum moves on to the next level.
inline constexpr int64_t kRun = 128;

// One float per lane; whole vectors, so the lanes past the last are padding.
struct alignas(64) Lanes {
  float at[kMaxLanes];
};

struct Slab {
  int64_t image, segment;       // name the partial sums of this slab
  int64_t channel, channels;    // the channels covered
  int64_t offset;               // storage index of the first element
  int64_t rows, lanes, stride;  // `rows` rows of `lanes` elements, `stride` elements apart
  int64_t tail;                 // elements of a last, shorter row
  bool streams;                 // long rows without gaps, of a map that no cache holds

  int64_t rows_and_tail() const { return rows + (tail > 0 ? 1 : 0); }
};

// The slabs of a map. They depend on the shape alone, and so do all sums: results are the same for any number
// of threads.
class SlabPlan {
 public:
  // per_image = false lets the images of a channels-last map count as one with images * positions positions,
  // for passes that need nothing per image.
  SlabPlan(MapLayout map, bool per_image) {
    if (!per_image && map.block == map.channels) {
      map = {1, map.channels, 1, map.images * map.positions(), map.block};
    }
    images_ = map.images;
    channels_ = map.channels;
    positions_ = map.positions();
    blocks_ = map.blocks();
    repeats_ = choose_repeats(map.block);
    panels_ = repeats_ > 1 ? 1 : (map.block + kMaxLanes - 1) / kMaxLanes;
    panel_ = round_up((map.block + panels_ - 1) / panels_);
    panels_ = (map.block + panel_ - 1) / panel_;
    block_ = map.block;
    const int64_t by_balance = (kWantedSlabs + images_ * blocks_ - 1) / (images_ * blocks_);
    const int64_t by_size = positions_ * block_ / kFewestElements;
    segments_ = std::max<int64_t>(1, std::min({by_balance, by_size, positions_ / repeats_}));
  }

  int64_t count() const { return images_ * blocks_ * segments_ * panels_; }
  int64_t images() const { return images_; }
  int64_t channels() const { return channels_; }
  int64_t positions() const { return positions_; }  // of an image
  int64_t segments() const { return segments_; }
  int64_t elements() const { return images_ * channels_ * positions_; }
  int64_t positions_in(int64_t segment) const {
    return rows_before(segment + 1) * repeats_ - rows_before(segment) * repeats_ +
           (segment + 1 == segments_ ? positions_ % repeats_ : 0);
  }
  // Whether every vector of a slab starts at a storage index that is a multiple of 8.
  bool aligned() const {
    return block_ * repeats_ % kLanes == 0 && (images_ == 1 || channels_ * positions_ % kLanes == 0);
  }
  // Floats of an array with one number per (image, segment, channel), and where those of a slab begin.
  int64_t partials() const { return images_ * segments_ * channels_; }
  int64_t partial(const Slab& slab) const {
    return (slab.image * segments_ + slab.segment) * channels_ + slab.channel;
  }

  Slab at(int64_t index) const {
    const int64_t panel = index % panels_;
    index /= panels_;
    const int64_t segment = index % segments_;
    index /= segments_;
    const int64_t block = index % blocks_;
    const int64_t image = index / blocks_;
    const int64_t first_row = rows_before(segment);
    Slab slab;
    slab.image = image;
    slab.segment = segment;
    slab.channel = block * block_ + panel * panel_;
    slab.channels = std::min(panel_, block_ - panel * panel_);
    slab.lanes = slab.channels * repeats_;
    slab.stride = block_ * repeats_;
    slab.rows = rows_before(segment + 1) - first_row;
    slab.tail = segment + 1 == segments_ ? positions_ % repeats_ * block_ : 0;
    slab.offset = (image * blocks_ + block) * positions_ * block_ + first_row * slab.stride + panel * panel_;
    slab.streams = slab.lanes >= kLongRow && slab.lanes == slab.stride && elements() >= kBeyondCache;
    return slab;
  }

 private:
  static constexpr int64_t kWantedSlabs = 64;       // enough for an even share on many cores
  static constexpr int64_t kFewestElements = 4096;  // below this a slab's set-up would show
  static constexpr int64_t kLongRow = 128;
  static constexpr int64_t kBeyondCache = int64_t{1} << 22;
  static constexpr int64_t kFewestLanes = 32;  // keeps an accumulator's additions apart in time

  static int64_t round_up(int64_t lanes) { return (lanes + kLanes - 1) / kLanes * kLanes; }
  // Positions in a row: rows of whole vectors if they fit.
  static int64_t choose_repeats(int64_t block) {
    int64_t repeats = kLanes / std::gcd(block, kLanes);
    if (repeats * block > kMaxLanes) return 1;
    while (repeats * block < kFewestLanes) repeats *= 2;
    return repeats;
  }
  int64_t rows_before(int64_t segment) const { return positions_ / repeats_ * segment / segments_; }

  int64_t images_, channels_, positions_, block_, blocks_, repeats_, panel_, panels_, segments_;
};

// Copies the first slab.channels lanes to the rest, and zero to the padding of the last vector.
inline void spread(const Slab& slab, Lanes& lanes) {
  for (int64_t l = slab.channels; l < slab.lanes; l += slab.channels) {
    std::memcpy(lanes.at + l, lanes.at, static_cast<size_t>(slab.channels) * sizeof(float));
  }
  for (int64_t l = slab.lanes; l % kLanes != 0; ++l) lanes.at[l] = 0;
}

// Zero in all lanes of the slab.
inline void clear(const Slab& slab, Lanes& lanes) {
  for (int64_t l = 0; l < slab.lanes; l += kLanes) store(lanes.at + l, Vec{});
}

// Sets lanes to the per-channel numbers that start at `from` for the slab's first channel.
inline void spread(const Slab& slab, const float* from, Lanes& lanes) {
  std::memcpy(lanes.at, from, static_cast<size_t>(slab.channels) * sizeof(float));
  spread(slab, lanes);
}

// Adds up the lanes of each channel into sums[channels].
inline void gather(const Slab& slab, const Lanes& lanes, float* sums) {
  std::memcpy(sums, lanes.at, static_cast<size_t>(slab.channels) * sizeof(float));
  for (int64_t l = slab.channels; l < slab.lanes; l += slab.channels) {
    for (int64_t c = 0; c < slab.channels; ++c) sums[c] += lanes.at[l + c];
  }
}

template <int kRows>
using RowCount = std::integral_constant<int, kRows>;

// The rows [begin, end) of a slab, in order; the one behind its whole rows is the tail. Four at a time, so that sums
// are loaded and stored once for four rows; but one by one where they come from memory, as the hardware prefetches long
// rows better then (1.4 times as fast for the gradient of 16x56x56x256 channels-last), and where they end in part of a
// vector, which is rare and not worth code of its own.
template <typename Body>
void sweep_range(const Slab& slab, int64_t begin, int64_t end, const Body& body) {
  const auto start = [&](int64_t r) { return slab.offset + r * slab.stride; };
  int64_t r = begin;
  if (!slab.streams && slab.lanes % kLanes == 0) {
    for (; r + 4 <= std::min(end, slab.rows); r += 4) {
      for (int64_t l = 0; l < slab.lanes; l += kLanes) body(RowCount<4>(), WholeVec(), start(r) + l, l);
    }
  }
  for (; r < end; ++r) {
    for_vectors(r < slab.rows ? slab.lanes : slab.tail,
                [&](auto access, int64_t l) { body(RowCount<1>(), access, start(r) + l, l); });
  }
}

// All of a slab, row by row, with the tail. body(access, element, lane).
template <typename Body>
void sweep(const Slab& slab, const Body& body) {
  for (int64_t r = 0; r < slab.rows_and_tail(); ++r) {
    const int64_t start = slab.offset + r * slab.stride;
    for_vectors(r < slab.rows ? slab.lanes : slab.tail,
                [&](auto access, int64_t l) { body(access, start + l, l); });
  }
}

// body(slab) for all slabs, on all threads.
template <typename Body>
void for_slabs(const SlabPlan& plan, const Body& body) {
  parallel_for(plan.count(), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) body(plan.at(i));
  });
}
// The same for a second pass over a map, which goes through each thread's share backwards and so finds the
// end of the first pass still in cache. Only from group to group of slabs: within a group memory is read
// upwards, as the hardware prefetches best (1.5 to 2 times as fast for blocked maps of 14x14 and 7x7).
inline constexpr int64_t kGroupElements = 65536;
template <typename Body>
void for_slabs_backwards(const SlabPlan& plan, const Body& body) {
  const int64_t group = std::max<int64_t>(1, kGroupElements * plan.count() / plan.elements());
  parallel_for(plan.count(), [&](int64_t begin, int64_t end) {
    for (int64_t last = end; last > begin; last -= group) {
      for (int64_t i = std::max(begin, last - group); i < last; ++i) body(plan.at(i));
    }
  });
}

// body(first, last) over the channels in shares of at most kChannelShare, for the small stages between the
// passes; each reads `rows` rows of all channels.
inline constexpr int64_t kChannelShare = 64;
template <typename Body>
void for_channels(int64_t channels, int64_t rows, const Body& body) {
  small_stage((channels + kChannelShare - 1) / kChannelShare, kChannelShare * rows,
              [&](int64_t begin, int64_t end) {
                for (int64_t i = begin; i < end; ++i) {
                  body(i * kChannelShare, std::min(channels, (i + 1) * kChannelShare));
                }
              });
}

}  // namespace senet::cpu
