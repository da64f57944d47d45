// Reading and writing eight neighbouring floats, or the fewer ones at the end of a row.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "backends/cpu/simd.h"

namespace senet::cpu {

struct WholeVec {
  static Vec get(const float* p) { return load(p); }
  static void put(float* p, Vec v) { store(p, v); }
  static int bits(int mask) { return mask; }
  // Zero in the lanes that were not read, for sums of what zero does not map to zero.
  static Vec only(Vec v) { return v; }
};
struct PartVec {
  size_t count;
  Vec get(const float* p) const {
    Vec v{};
    std::memcpy(&v, p, count * sizeof(float));
    return v;
  }
  void put(float* p, Vec v) const { std::memcpy(p, &v, count * sizeof(float)); }
  int bits(int mask) const { return mask & ((1 << count) - 1); }
  Vec only(Vec v) const {
    Vec kept{};
    std::memcpy(&kept, &v, count * sizeof(float));
    return kept;
  }
};

// body(access, i) for the vectors of [0, count).
template <typename Body>
void for_vectors(int64_t count, const Body& body) {
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) body(WholeVec(), i);
  if (i < count) body(PartVec{static_cast<size_t>(count - i)}, i);
}

}  // namespace senet::cpu
