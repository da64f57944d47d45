// Sums over the positions of a slab, one for each lane and kind of sum: float32 over runs of rows, then over the runs.
#pragma once

#include "backends/cpu/kernels/slabs.h"

namespace senet::cpu {

template <int kCount>
struct LaneSums {
  Lanes run[kCount], total[kCount];

  // Calls body(rows, access, element, lane) for every vector of `rows` rows below each other, a RowCount; body adds to
  // `run`.
  template <typename Body>
  void sweep(const Slab& slab, const Body& body) {
    for (int i = 0; i < kCount; ++i) {
      clear(slab, run[i]);
      clear(slab, total[i]);
    }
    const int64_t rows = slab.rows_and_tail();
    for (int64_t begin = 0; begin < rows; begin += kRun) {
      sweep_range(slab, begin, std::min(rows, begin + kRun), body);
      add_run(slab);
    }
  }

  // The sum of kind i of each of the slab's channels.
  void gather(const Slab& slab, int i, float* sums) const { cpu::gather(slab, total[i], sums); }

 private:
  void add_run(const Slab& slab) {
    for (int i = 0; i < kCount; ++i) {
      for (int64_t l = 0; l < slab.lanes; l += kLanes) {
        store(total[i].at + l, load(total[i].at + l) + load(run[i].at + l));
        store(run[i].at + l, Vec{});
      }
    }
  }
};

}  // namespace senet::cpu
