// Right kernels: barriers, warp operations, shared memory, indices and atomics give what a GPU gives, in any
// order.
#include <algorithm>

#include "backends/cuda/device/shared.cuh"
#include "backends/cuda/launch.cuh"
#include "backends/cuda_sim/control.h"
#include "device.h"

namespace {

using namespace senet::sim_test;

__global__ void block_sum_kernel(const float* x, float* sums, int count) {
  SENET_SHARED(float, per_warp, 8);
  SENET_DYNAMIC_SHARED(float, staged);
  const int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  staged[threadIdx.x] = i < count ? x[i] : 0.0f;
  __syncthreads();
  float sum = staged[(threadIdx.x + 1) % blockDim.x];
  for (int delta = 16; delta > 0; delta /= 2) sum += __shfl_down_sync(0xffffffffu, sum, delta);
  if (threadIdx.x % 32 == 0) per_warp[threadIdx.x / 32] = sum;
  __syncthreads();
  if (threadIdx.x == 0) {
    float total = 0;
    for (unsigned warp = 0; warp < blockDim.x / 32; ++warp) total += per_warp[warp];
    sums[blockIdx.x] = total;
    atomicAdd(sums + gridDim.x, total);
  }
}
SIM_CASE(block_sums) {
  const Stream stream;
  constexpr int kCount = 1000;
  const DeviceArray<float> x(counting(kCount));
  const DeviceArray<float> sums(std::vector<float>(5, 0));
  senet::cuda::launch("block_sum_kernel", block_sum_kernel, dim3(4), dim3(256), 256 * sizeof(float), stream,
                      x, sums, kCount);
  const std::vector<float> got = sums.read(stream);
  expect(got[0] == 256 * 257 / 2, "sum of the first block");
  expect(got[4] == kCount * (kCount + 1) / 2, "sum of all");
}

__global__ void indices_kernel(unsigned* counts) {
  const unsigned block = (blockIdx.z * gridDim.y + blockIdx.y) * gridDim.x + blockIdx.x;
  const unsigned thread = (threadIdx.z * blockDim.y + threadIdx.y) * blockDim.x + threadIdx.x;
  atomicAdd(counts + block * blockDim.x * blockDim.y * blockDim.z + thread, 1u);
}
SIM_CASE(indices_in_three_dimensions) {
  const Stream stream;
  const DeviceArray<unsigned> counts(std::vector<unsigned>(3 * 4 * 5 * 2 * 3 * 7, 0));
  senet::cuda::launch("indices_kernel", indices_kernel, dim3(3, 4, 5), dim3(2, 3, 7), 0, stream, counts);
  const std::vector<unsigned> got = counts.read(stream);
  expect(std::all_of(got.begin(), got.end(), [](unsigned count) { return count == 1; }), "each place once");
}

enum ShuffleKind { kIndex, kUp, kDown, kXor };

__global__ void shuffle_kernel(int* out, int kind, int argument, int width) {
  const int lane = static_cast<int>(threadIdx.x);
  int source = -1;
  if (kind == kIndex) source = __shfl_sync(0xffffffffu, lane, argument, width);
  if (kind == kUp) source = __shfl_up_sync(0xffffffffu, lane, static_cast<unsigned>(argument), width);
  if (kind == kDown) source = __shfl_down_sync(0xffffffffu, lane, static_cast<unsigned>(argument), width);
  if (kind == kXor) source = __shfl_xor_sync(0xffffffffu, lane, argument, width);
  out[lane] = source;
}

// The lane read, from the PTX description of shfl: minLane, maxLane and the predicate.
int shuffle_source(int kind, int lane, int argument, int width) {
  const int segment = 32 - width;  // the mask of the lanes' upper bits
  const int min_lane = lane & segment;
  const int max_lane = min_lane | (0x1f & ~segment);
  if (kind == kIndex) return min_lane | (argument & 0x1f & ~segment);
  const int b = argument & 0x1f;
  const int wanted = kind == kUp ? lane - b : kind == kDown ? lane + b : lane ^ b;
  const bool reached = kind == kUp ? wanted >= min_lane : wanted <= max_lane;
  return reached ? wanted : lane;
}

SIM_CASE(shuffles_of_every_width) {
  const Stream stream;
  const DeviceArray<int> out(32);
  for (const int kind : {kIndex, kUp, kDown, kXor}) {
    for (int width = 1; width <= 32; width *= 2) {
      for (const int argument : {0, 1, 2, 3, 5, 8, 15, 16, 17, 31, 33}) {
        senet::cuda::launch("shuffle_kernel", shuffle_kernel, dim3(1), dim3(32), 0, stream, out, kind,
                            argument, width);
        const std::vector<int> got = out.read(stream);
        for (int lane = 0; lane < 32; ++lane) {
          expect(got[static_cast<size_t>(lane)] == shuffle_source(kind, lane, argument, width),
                 "kind " + std::to_string(kind) + " argument " + std::to_string(argument) + " width " +
                     std::to_string(width) + " lane " + std::to_string(lane));
        }
      }
    }
  }
}

// A few rows written out, so that the function above is not the only witness.
SIM_CASE(shuffles_of_a_table) {
  struct Row {
    int kind, argument, width, lane, source;
  };
  constexpr Row kRows[] = {
      {kDown, 1, 8, 6, 7},   {kDown, 1, 8, 7, 7},   {kDown, 16, 32, 15, 31}, {kDown, 16, 32, 16, 16},
      {kUp, 1, 8, 8, 8},     {kUp, 1, 8, 9, 8},     {kXor, 8, 8, 3, 3},      {kXor, 8, 8, 11, 3},
      {kXor, 16, 32, 3, 19}, {kIndex, 3, 4, 9, 11}, {kIndex, 5, 4, 9, 9},    {kIndex, -1, 32, 0, 31},
  };
  const Stream stream;
  const DeviceArray<int> out(32);
  for (const Row& row : kRows) {
    senet::cuda::launch("shuffle_kernel", shuffle_kernel, dim3(1), dim3(32), 0, stream, out, row.kind,
                        row.argument, row.width);
    expect(out.read(stream)[static_cast<size_t>(row.lane)] == row.source,
           "kind " + std::to_string(row.kind) + " lane " + std::to_string(row.lane));
  }
}

__global__ void votes_kernel(unsigned* out) {
  const int lane = static_cast<int>(threadIdx.x % 32);
  const unsigned all = 0xffffffffu;
  unsigned sum = 0;
  sum += __ballot_sync(all, lane % 3 == 0) == 0x49249249u;
  sum += __any_sync(all, lane == 7) != 0;
  sum += __any_sync(all, lane > 40) == 0;
  sum += __all_sync(all, lane < 32) != 0;
  sum += __all_sync(all, lane != 7) == 0;
  sum += __reduce_add_sync(all, static_cast<unsigned>(lane)) == 496;
  sum += __reduce_add_sync(all, lane - 31) == -496;
  sum += __reduce_min_sync(all, lane - 16) == -16;
  sum += __reduce_max_sync(all, lane - 40) == -9;
  sum += __reduce_min_sync(all, static_cast<unsigned>(lane - 16)) == 0;
  sum += __reduce_max_sync(all, static_cast<unsigned>(lane - 16)) == 0xffffffffu;
  sum += __reduce_or_sync(all, 1u << lane) == all;
  sum += __reduce_and_sync(all, ~(1u << lane)) == 0;
  sum += __reduce_xor_sync(all, static_cast<unsigned>(lane)) == 0;
  sum += __match_any_sync(all, lane / 8) == 0xffu << (lane / 8 * 8);
  sum += __shfl_sync(all, 1.5 * lane, 4) == 6.0;
  // Two halves of a warp with masks of their own.
  const unsigned half = lane < 16 ? 0x0000ffffu : 0xffff0000u;
  sum += __reduce_add_sync(half, 1u) == 16;
  __syncwarp(half);
  out[threadIdx.x] = sum;
}
SIM_CASE(votes_and_reductions_of_a_warp) {
  const Stream stream;
  const DeviceArray<unsigned> out(96);
  senet::cuda::launch("votes_kernel", votes_kernel, dim3(1), dim3(96), 0, stream, out);
  for (const unsigned sum : out.read(stream)) expect(sum == 17, "votes that hold: " + std::to_string(sum));
}

__global__ void block_votes_kernel(int* out) {
  const int i = static_cast<int>(threadIdx.x);
  const int count = __syncthreads_count(i % 5 == 0);
  const int all = __syncthreads_and(i < 100);
  const int some = __syncthreads_or(i == 99);
  const int none = __syncthreads_or(i == 100);
  out[i] = count + 100 * (all != 0) + 1000 * (some != 0) + 10000 * (none != 0);
}
SIM_CASE(votes_of_a_block) {
  const Stream stream;
  const DeviceArray<int> out(100);
  senet::cuda::launch("block_votes_kernel", block_votes_kernel, dim3(1), dim3(100), 0, stream, out);
  for (const int value : out.read(stream)) expect(value == 1120, "votes: " + std::to_string(value));
}

__global__ void early_return_kernel(int* out) {
  if (threadIdx.x >= 40) return;
  __syncthreads();
  out[threadIdx.x] = __reduce_add_sync(0xffffffffu, 1);
}
SIM_CASE(threads_that_return_early_when_not_strict) {
  sim_set_strict(0);
  const Stream stream;
  const DeviceArray<int> out(std::vector<int>(64, 0));
  senet::cuda::launch("early_return_kernel", early_return_kernel, dim3(1), dim3(64), 0, stream, out);
  const std::vector<int> got = out.read(stream);
  sim_set_strict(1);
  expect(got[0] == 32 && got[39] == 8 && got[40] == 0, "sums over the lanes that are left");
}

__global__ void atomics_kernel(int* ints, unsigned* words, float* floats) {
  const int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  atomicAdd(ints, i);
  atomicMax(ints + 1, i);
  atomicMin(ints + 2, -i);
  atomicExch(ints + 3, 5);
  atomicCAS(ints + 4, 0, 7);
  atomicAdd(words, 2u);
  atomicOr(words + 1, 1u << (i % 32));
  atomicInc(words + 2, 9u);
  atomicAdd(floats, 0.5f);
}
SIM_CASE(atomic_operations) {
  const Stream stream;
  const DeviceArray<int> ints(std::vector<int>(5, 0));
  const DeviceArray<unsigned> words(std::vector<unsigned>(3, 0));
  const DeviceArray<float> floats(std::vector<float>(1, 0));
  senet::cuda::launch("atomics_kernel", atomics_kernel, dim3(3), dim3(64), 0, stream, ints, words, floats);
  expect(ints.read(stream) == std::vector<int>({191 * 192 / 2, 191, -191, 5, 7}), "ints");
  expect(words.read(stream) == std::vector<unsigned>({384, 0xffffffffu, 2}), "words");
  expect(floats.read(stream)[0] == 96, "floats");
}

__global__ void large_shared_kernel(float* out, int count) {
  SENET_DYNAMIC_SHARED(float, part);
  for (int i = static_cast<int>(threadIdx.x); i < count; i += static_cast<int>(blockDim.x)) part[i] = 1;
  __syncthreads();
  if (threadIdx.x == 0) {
    float sum = 0;
    for (int i = 0; i < count; ++i) sum += part[i];
    out[0] = sum;
  }
}
SIM_CASE(large_dynamic_shared_memory) {
  const Stream stream;
  const DeviceArray<float> out(1);
  constexpr size_t kBytes = size_t{200} << 10;
  check(cudaFuncSetAttribute(reinterpret_cast<const void*>(large_shared_kernel),
                             cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(kBytes)));
  senet::cuda::launch("large_shared_kernel", large_shared_kernel, dim3(2), dim3(128), kBytes, stream, out,
                      static_cast<int>(kBytes / sizeof(float)));
  expect(out.read(stream)[0] == kBytes / sizeof(float), "sum");
}

__global__ void many_barriers_kernel(int* out) {
  SENET_SHARED(int, ring, 1024);
  const unsigned i = threadIdx.x;
  ring[i] = static_cast<int>(i);
  for (int round = 0; round < 20; ++round) {
    __syncthreads();
    const int next = ring[(i + 1) % blockDim.x];
    __syncthreads();
    ring[i] = next;
  }
  out[i] = ring[i];
}
SIM_CASE(largest_block_with_many_barriers) {
  const Stream stream;
  const DeviceArray<int> out(1024);
  senet::cuda::launch("many_barriers_kernel", many_barriers_kernel, dim3(1), dim3(1024), 0, stream, out);
  const std::vector<int> got = out.read(stream);
  for (int i = 0; i < 1024; ++i) expect(got[static_cast<size_t>(i)] == (i + 20) % 1024, "ring");
}

}  // namespace
