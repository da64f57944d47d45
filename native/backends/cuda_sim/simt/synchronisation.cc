// How threads wait for each other: the barrier of a block and the operations of a warp.
#include <algorithm>
#include <cstdio>

#include "backends/cuda_sim/simt/executor.h"
#include "backends/cuda_sim/simt/sanitizers.h"
#include "backends/cuda_sim/simt/settings.h"

namespace senet::sim {

namespace {

std::string hex(unsigned mask) {
  char text[16];
  std::snprintf(text, sizeof text, "%08x", mask);
  return text;
}

uint64_t barrier_result(const BlockBarrier& barrier) {
  switch (barrier.kind) {
    case BarrierKind::kPlain:
      return 0;
    case BarrierKind::kCount:
      return static_cast<uint64_t>(barrier.predicates);
    case BarrierKind::kAnd:
      return barrier.predicates == barrier.waiting;
    case BarrierKind::kOr:
      return barrier.predicates > 0;
  }
  return 0;
}

// Folds a lane's value into what the lanes before it made.
uint64_t fold(WarpOp op, uint64_t so_far, uint64_t value) {
  const auto a = static_cast<uint32_t>(so_far);
  const auto b = static_cast<uint32_t>(value);
  switch (op) {
    case WarpOp::kAdd:
      return a + b;
    case WarpOp::kMin:
      return static_cast<uint32_t>(std::min(static_cast<int32_t>(a), static_cast<int32_t>(b)));
    case WarpOp::kMax:
      return static_cast<uint32_t>(std::max(static_cast<int32_t>(a), static_cast<int32_t>(b)));
    case WarpOp::kMinUnsigned:
      return std::min(a, b);
    case WarpOp::kMaxUnsigned:
      return std::max(a, b);
    case WarpOp::kAnd:
      return a & b;
    case WarpOp::kOr:
      return a | b;
    case WarpOp::kXor:
      return a ^ b;
    default:
      return 0;
  }
}

bool has_lane(unsigned mask, int lane) {
  return (mask >> lane & 1u) != 0;
}

// The answer for all lanes, except where each has its own.
uint64_t common_result(const WarpGroup& group) {
  uint64_t result = 0;
  bool first = true;
  for (int lane = 0; lane < kWarpLanes; ++lane) {
    if (!has_lane(group.arrived, lane)) continue;
    if (group.op == WarpOp::kBallot) {
      result |= group.values[lane] << lane;
    } else {
      result = first ? group.values[lane] : fold(group.op, result, group.values[lane]);
    }
    first = false;
  }
  return result;
}

uint64_t equal_lanes(const WarpGroup& group, uint64_t value) {
  uint64_t lanes = 0;
  for (int lane = 0; lane < kWarpLanes; ++lane) {
    if (has_lane(group.arrived, lane) && group.values[lane] == value) lanes |= uint64_t{1} << lane;
  }
  return lanes;
}

}  // namespace

int Executor::barrier(BarrierKind kind, bool predicate, const Site& site) {
  const int phase = barrier_.phase;
  tsan::release(&barrier_.tags[phase]);
  SimThread& thread = *current_;
  {
    const Inside inside(*this);
    thread.site = site;
    if (settings().strict && live_ < count_) {
      fault(cudaErrorLaunchFailure, "threads of the block returned before the barrier " + to_string(site));
    }
    if (barrier_.waiting == 0) {
      barrier_.kind = kind;
      barrier_.site = site;
    } else if (barrier_.kind != kind || !same_site(barrier_.site, site)) {
      fault(cudaErrorLaunchFailure, "barrier divergence: this thread is at " + to_string(site) +
                                        " while others wait at " + to_string(barrier_.site));
    }
    ++barrier_.waiting;
    barrier_.predicates += predicate ? 1 : 0;
    thread.state = ThreadState::kAtBarrier;
    if (barrier_.waiting == live_) release_barrier();
    suspend(thread.state);
  }
  tsan::acquire(&barrier_.tags[phase]);
  return static_cast<int>(thread.result);
}

void Executor::release_barrier() {
  const uint64_t result = barrier_result(barrier_);
  barrier_.waiting = 0;
  barrier_.predicates = 0;
  barrier_.phase ^= 1;
  const size_t first = ready_.size();
  for (int i = 0; i < count_; ++i) {
    SimThread& thread = threads_[static_cast<size_t>(i)];
    if (thread.state != ThreadState::kAtBarrier) continue;
    thread.result = result;
    thread.state = ThreadState::kReady;
    ready_.push_back(i);
  }
  arrange(ready_, first);
}

WarpGroup& Executor::join_warp_group(Warp& warp, WarpOp op, unsigned mask, const Site& site) {
  const int lane = current_->id % kWarpLanes;
  if (!has_lane(mask, lane)) {
    fault(cudaErrorLaunchFailure,
          to_string(site) + ": lane " + std::to_string(lane) + " is not in its own mask " + hex(mask));
  }
  if (settings().strict && (mask & ~warp.alive) != 0) {
    fault(cudaErrorLaunchFailure, to_string(site) + ": the mask " + hex(mask) +
                                      " names lanes that have returned or do not exist, " + hex(warp.alive) +
                                      " are left");
  }
  for (WarpGroup& group : warp.groups) {
    if (group.mask == mask && group.op == op && same_site(group.site, site)) return group;
    if ((group.mask & mask) != 0) {
      fault(cudaErrorLaunchFailure, "warp divergence: lane " + std::to_string(lane) + " is at " +
                                        to_string(site) + " with mask " + hex(mask) + " while lanes " +
                                        hex(group.arrived) + " of its warp wait at " + to_string(group.site) +
                                        " with mask " + hex(group.mask));
    }
  }
  warp.groups.push_back({.op = op, .mask = mask, .arrived = 0, .site = site, .values = {}, .sources = {}});
  return warp.groups.back();
}

uint64_t Executor::warp_collective(WarpOp op, unsigned mask, uint64_t value, int source, const Site& site) {
  SimThread& thread = *current_;
  const int number = thread.id / kWarpLanes;
  const int lane = thread.id % kWarpLanes;
  Warp& warp = warps_[static_cast<size_t>(number)];
  // Of all warp operations only __syncwarp orders memory.
  const bool orders = op == WarpOp::kSync;
  const int phase = warp.phase;
  if (orders) tsan::release(&warp.tags[phase]);
  {
    const Inside inside(*this);
    thread.site = site;
    WarpGroup& group = join_warp_group(warp, op, mask, site);
    group.arrived |= 1u << lane;
    group.values[lane] = value;
    group.sources[lane] = source;
    if (group.arrived == (mask & warp.alive)) {
      complete_warp_group(number, static_cast<size_t>(&group - warp.groups.data()));  // and goes on at once
    } else {
      suspend(ThreadState::kInWarpOp);
    }
  }
  if (orders) tsan::acquire(&warp.tags[phase]);
  return thread.result;
}

void Executor::complete_warp_group(int warp_number, size_t group_number) {
  Warp& warp = warps_[static_cast<size_t>(warp_number)];
  const WarpGroup& group = warp.groups[group_number];
  if (settings().strict && group.arrived != group.mask) {
    fault(cudaErrorLaunchFailure, "lanes wait at the warp operation " + to_string(group.site) +
                                      " with mask " + hex(group.mask) +
                                      " for this thread, which has returned");
  }
  if (group.op == WarpOp::kSync) warp.phase ^= 1;
  const uint64_t common = common_result(group);
  const size_t first = ready_.size();
  for (int lane = 0; lane < kWarpLanes; ++lane) {
    if (!has_lane(group.arrived, lane)) continue;
    SimThread& thread = threads_[static_cast<size_t>(warp_number * kWarpLanes + lane)];
    if (group.op == WarpOp::kShuffle) {
      const int source = group.sources[lane];
      if (!has_lane(group.arrived, source)) {
        fault(cudaErrorLaunchFailure, "shuffle at " + to_string(group.site) + ": lane " +
                                          std::to_string(lane) + " reads lane " + std::to_string(source) +
                                          ", which is not among those that take part, " + hex(group.arrived));
      }
      thread.result = group.values[source];
    } else if (group.op == WarpOp::kMatchAny) {
      thread.result = equal_lanes(group, group.values[lane]);
    } else {
      thread.result = common;
    }
    if (thread.state != ThreadState::kInWarpOp) continue;
    thread.state = ThreadState::kReady;
    ready_.push_back(thread.id);
  }
  arrange(ready_, first);
  warp.groups.erase(warp.groups.begin() + static_cast<std::ptrdiff_t>(group_number));
}

}  // namespace senet::sim
