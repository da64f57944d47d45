// Operations of a warp: shuffles, votes and reductions. Every lane of the mask hands in its value; the last
// one to come works out the results.
#pragma once

#include <cstdint>
#include <cstring>
#include <type_traits>

#include "backends/cuda_sim/language/fault.h"

namespace senet::sim {

enum class WarpOp {
  kSync,
  kBallot,
  kShuffle,
  kMatchAny,
  kAdd,
  kMin,
  kMax,
  kMinUnsigned,
  kMaxUnsigned,
  kAnd,
  kOr,
  kXor,
};

// `source` is the lane to read from, for a shuffle.
uint64_t warp_collective(WarpOp op, unsigned mask, uint64_t value, int source, const Site& site);

// Lane of the running thread.
int lane_id();

// Only the caller's own bit: a legal answer that shows code which relies on more.
unsigned active_mask();

template <typename T>
uint64_t to_bits(T value) {
  static_assert(sizeof(T) <= 8 && std::is_trivially_copyable_v<T>, "a warp operation moves at most 8 bytes");
  uint64_t bits = 0;
  std::memcpy(&bits, static_cast<const void*>(&value), sizeof value);
  return bits;
}

template <typename T>
T from_bits(uint64_t bits) {
  T value;
  std::memcpy(static_cast<void*>(&value), &bits, sizeof value);
  return value;
}

// The lane a shuffle reads, as the PTX instruction shfl defines it: out of reach means the own lane.
// `width` is a power of two; lanes fall into segments of that size.
inline int shuffle_index_source(int lane, int index, int width) {
  return (lane & ~(width - 1)) | (index & (width - 1));
}
inline int shuffle_up_source(int lane, unsigned delta, int width) {
  const int source = lane - static_cast<int>(delta & 31);
  return source >= (lane & ~(width - 1)) ? source : lane;
}
inline int shuffle_down_source(int lane, unsigned delta, int width) {
  const int source = lane + static_cast<int>(delta & 31);
  return source <= (lane | (width - 1)) ? source : lane;
}
// Unlike the others this one may read a lower segment.
inline int shuffle_xor_source(int lane, int lane_mask, int width) {
  const int source = lane ^ (lane_mask & 31);
  return source <= (lane | (width - 1)) ? source : lane;
}

template <typename T>
T shuffle(unsigned mask, T value, int source, const Site& site) {
  return from_bits<T>(warp_collective(WarpOp::kShuffle, mask, to_bits(value), source, site));
}

inline unsigned reduce(WarpOp op, unsigned mask, unsigned value, const Site& site) {
  return static_cast<unsigned>(warp_collective(op, mask, value, 0, site));
}

}  // namespace senet::sim

inline void __syncwarp(unsigned mask = 0xffffffffu,
                       const senet::sim::Site site = senet::sim::Site::current()) {
  senet::sim::warp_collective(senet::sim::WarpOp::kSync, mask, 0, 0, site);
}

template <typename T>
T __shfl_sync(unsigned mask, T value, int index, int width = 32,
              const senet::sim::Site site = senet::sim::Site::current()) {
  return senet::sim::shuffle(mask, value,
                             senet::sim::shuffle_index_source(senet::sim::lane_id(), index, width), site);
}
template <typename T>
T __shfl_up_sync(unsigned mask, T value, unsigned delta, int width = 32,
                 const senet::sim::Site site = senet::sim::Site::current()) {
  return senet::sim::shuffle(mask, value, senet::sim::shuffle_up_source(senet::sim::lane_id(), delta, width),
                             site);
}
template <typename T>
T __shfl_down_sync(unsigned mask, T value, unsigned delta, int width = 32,
                   const senet::sim::Site site = senet::sim::Site::current()) {
  return senet::sim::shuffle(mask, value,
                             senet::sim::shuffle_down_source(senet::sim::lane_id(), delta, width), site);
}
template <typename T>
T __shfl_xor_sync(unsigned mask, T value, int lane_mask, int width = 32,
                  const senet::sim::Site site = senet::sim::Site::current()) {
  return senet::sim::shuffle(mask, value,
                             senet::sim::shuffle_xor_source(senet::sim::lane_id(), lane_mask, width), site);
}

inline unsigned __activemask() {
  return senet::sim::active_mask();
}
inline unsigned __ballot_sync(unsigned mask, int predicate,
                              const senet::sim::Site site = senet::sim::Site::current()) {
  return senet::sim::reduce(senet::sim::WarpOp::kBallot, mask, predicate != 0, site);
}
inline int __any_sync(unsigned mask, int predicate,
                      const senet::sim::Site site = senet::sim::Site::current()) {
  return __ballot_sync(mask, predicate, site) != 0;
}
inline int __all_sync(unsigned mask, int predicate,
                      const senet::sim::Site site = senet::sim::Site::current()) {
  return __ballot_sync(mask, predicate == 0, site) == 0;
}
template <typename T>
unsigned __match_any_sync(unsigned mask, T value, const senet::sim::Site site = senet::sim::Site::current()) {
  return static_cast<unsigned>(
      senet::sim::warp_collective(senet::sim::WarpOp::kMatchAny, mask, senet::sim::to_bits(value), 0, site));
}

inline unsigned __reduce_add_sync(unsigned mask, unsigned value,
                                  const senet::sim::Site site = senet::sim::Site::current()) {
  return senet::sim::reduce(senet::sim::WarpOp::kAdd, mask, value, site);
}
inline int __reduce_add_sync(unsigned mask, int value,
                             const senet::sim::Site site = senet::sim::Site::current()) {
  return static_cast<int>(
      senet::sim::reduce(senet::sim::WarpOp::kAdd, mask, static_cast<unsigned>(value), site));
}
inline unsigned __reduce_min_sync(unsigned mask, unsigned value,
                                  const senet::sim::Site site = senet::sim::Site::current()) {
  return senet::sim::reduce(senet::sim::WarpOp::kMinUnsigned, mask, value, site);
}
inline int __reduce_min_sync(unsigned mask, int value,
                             const senet::sim::Site site = senet::sim::Site::current()) {
  return static_cast<int>(
      senet::sim::reduce(senet::sim::WarpOp::kMin, mask, static_cast<unsigned>(value), site));
}
inline unsigned __reduce_max_sync(unsigned mask, unsigned value,
                                  const senet::sim::Site site = senet::sim::Site::current()) {
  return senet::sim::reduce(senet::sim::WarpOp::kMaxUnsigned, mask, value, site);
}
inline int __reduce_max_sync(unsigned mask, int value,
                             const senet::sim::Site site = senet::sim::Site::current()) {
  return static_cast<int>(
      senet::sim::reduce(senet::sim::WarpOp::kMax, mask, static_cast<unsigned>(value), site));
}
inline unsigned __reduce_and_sync(unsigned mask, unsigned value,
                                  const senet::sim::Site site = senet::sim::Site::current()) {
  return senet::sim::reduce(senet::sim::WarpOp::kAnd, mask, value, site);
}
inline unsigned __reduce_or_sync(unsigned mask, unsigned value,
                                 const senet::sim::Site site = senet::sim::Site::current()) {
  return senet::sim::reduce(senet::sim::WarpOp::kOr, mask, value, site);
}
inline unsigned __reduce_xor_sync(unsigned mask, unsigned value,
                                  const senet::sim::Site site = senet::sim::Site::current()) {
  return senet::sim::reduce(senet::sim::WarpOp::kXor, mask, value, site);
}
