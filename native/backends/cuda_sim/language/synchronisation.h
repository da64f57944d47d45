// Barriers of a block, and fences.
#pragma once

#include "backends/cuda_sim/language/fault.h"

namespace senet::sim {

enum class BarrierKind { kPlain, kCount, kAnd, kOr };

// Waits until every thread of the block has come; the answer is made from all threads' predicates.
int block_barrier(BarrierKind kind, bool predicate, const Site& site);

}  // namespace senet::sim

inline void __syncthreads(const senet::sim::Site site = senet::sim::Site::current()) {
  senet::sim::block_barrier(senet::sim::BarrierKind::kPlain, false, site);
}
inline int __syncthreads_count(int predicate, const senet::sim::Site site = senet::sim::Site::current()) {
  return senet::sim::block_barrier(senet::sim::BarrierKind::kCount, predicate != 0, site);
}
inline int __syncthreads_and(int predicate, const senet::sim::Site site = senet::sim::Site::current()) {
  return senet::sim::block_barrier(senet::sim::BarrierKind::kAnd, predicate != 0, site);
}
inline int __syncthreads_or(int predicate, const senet::sim::Site site = senet::sim::Site::current()) {
  return senet::sim::block_barrier(senet::sim::BarrierKind::kOr, predicate != 0, site);
}

// Blocks run one after the other, so a fence has nothing to do. That it is missing cannot be seen here.
inline void __threadfence_block() {}
inline void __threadfence() {}
inline void __threadfence_system() {}
