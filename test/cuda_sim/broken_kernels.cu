// Kernels with a mistake. Each should write its input backwards; simulator.test.ts says what finds out about
// each.
#include "backends/cuda/device/shared.cuh"
#include "backends/cuda/launch.cuh"
#include "device.h"

namespace {

using namespace senet::sim_test;

constexpr int kCount = 64;

// Gives a kernel 1 to 64 and wants them back reversed.
class Reversal {
 public:
  Reversal() : input(counting(kCount)), output(kCount) {}

  template <typename... P>
  void run(void (*kernel)(P...), size_t shared_bytes = 0) {
    senet::cuda::launch("broken_kernel", kernel, dim3(1), dim3(kCount), shared_bytes, stream, input, output);
    verify();
  }

  void verify() {
    const std::vector<float> got = output.read(stream);
    for (int i = 0; i < kCount; ++i) {
      const float wanted = static_cast<float>(kCount - i);
      expect(got[static_cast<size_t>(i)] == wanted, "element " + std::to_string(i));
    }
  }

  Stream stream;
  DeviceArray<float> input;
  DeviceArray<float> output;
};

__global__ void control_kernel(const float* x, float* y) {
  SENET_SHARED(float, part, 64);
  const unsigned i = threadIdx.x;
  part[i] = x[i];
  __syncthreads();
  y[i] = part[63 - i];
}
SIM_CASE(broken_control) {
  Reversal().run(control_kernel);
}

__global__ void read_after_write_kernel(const float* x, float* y) {
  SENET_SHARED(float, part, 64);
  const unsigned i = threadIdx.x;
  part[i] = x[i];
  y[i] = part[63 - i];
}
SIM_CASE(broken_missing_barrier_read_after_write) {
  Reversal().run(read_after_write_kernel);
}

__global__ void write_after_read_kernel(const float* x, float* y) {
  SENET_SHARED(float, part, 64);
  const unsigned i = threadIdx.x;
  part[i] = x[i];
  __syncthreads();
  const float other = part[63 - i];
  part[i] = other + 1;
  __syncthreads();
  y[i] = part[i] - 1;
}
SIM_CASE(broken_missing_barrier_write_after_read) {
  Reversal().run(write_after_read_kernel);
}

__global__ void missing_syncwarp_kernel(const float* x, float* y) {
  SENET_SHARED(float, part, 64);
  const unsigned i = threadIdx.x;
  part[i] = x[i];
  const unsigned other = (i & 32) | (31 - (i & 31));
  const float value = part[other];
  y[63 - i] = value == x[other] ? x[i] : -1;
}
SIM_CASE(broken_missing_syncwarp) {
  Reversal().run(missing_syncwarp_kernel);
}

// A shuffle takes a lane further than the next one, but does not make its stores visible.
__global__ void shuffle_orders_nothing_kernel(const float* x, float* y) {
  SENET_SHARED(float, part, 64);
  const unsigned i = threadIdx.x;
  part[i] = x[i];
  __shfl_sync(0xffffffffu, i, 0);
  const unsigned other = i ^ 31;
  y[63 - other] = part[other];
}
SIM_CASE(broken_shuffle_in_place_of_syncwarp) {
  Reversal().run(shuffle_orders_nothing_kernel);
}

__global__ void sum_without_atomic_kernel(const float* x, float* y) {
  if (threadIdx.x == 0) y[0] = y[0] + x[0];
}
SIM_CASE(broken_sum_without_atomic) {
  const Stream stream;
  const DeviceArray<float> x(counting(1));
  const DeviceArray<float> y(std::vector<float>{0});
  senet::cuda::launch("broken_kernel", sum_without_atomic_kernel, dim3(4), dim3(64), 0, stream, x, y);
  expect(y.read(stream)[0] == 4, "sum");
}

__global__ void half_warp_shuffle_kernel(const float* x, float* y) {
  const unsigned i = threadIdx.x;
  float value = x[i];
  if ((i & 31) < 16) value += __shfl_xor_sync(0xffffffffu, value, 1);
  y[63 - i] = value;
}
SIM_CASE(broken_shuffle_in_half_a_warp) {
  Reversal().run(half_warp_shuffle_kernel);
}

__global__ void divergent_shuffle_kernel(const float* x, float* y) {
  const unsigned i = threadIdx.x;
  float value = x[i];
  if ((i & 31) < 16) {
    value += __shfl_xor_sync(0xffffffffu, value, 1);
  } else {
    value += __shfl_xor_sync(0xffffffffu, value, 1);
  }
  y[63 - i] = value;
}
SIM_CASE(broken_shuffle_at_two_places) {
  Reversal().run(divergent_shuffle_kernel);
}

__global__ void lane_outside_mask_kernel(const float* x, float* y) {
  const unsigned i = threadIdx.x;
  float value = x[i];
  if ((i & 31) < 16) value = __shfl_down_sync(0x0000ffffu, value, 8);
  y[63 - i] = value;
}
SIM_CASE(broken_shuffle_reads_outside_of_mask) {
  Reversal().run(lane_outside_mask_kernel);
}

__global__ void not_in_own_mask_kernel(const float* x, float* y) {
  const unsigned i = threadIdx.x;
  __syncwarp(0x0000ffffu);
  y[63 - i] = x[i];
}
SIM_CASE(broken_lane_not_in_its_mask) {
  Reversal().run(not_in_own_mask_kernel);
}

__global__ void returned_lanes_kernel(const float* x, float* y) {
  const unsigned i = threadIdx.x;
  y[63 - i] = x[i];
  if ((i & 31) >= 16) return;
  __shfl_sync(0xffffffffu, i, 0);
}
SIM_CASE(broken_mask_names_returned_lanes) {
  Reversal().run(returned_lanes_kernel);
}

__global__ void two_barriers_kernel(const float* x, float* y) {
  SENET_SHARED(float, part, 64);
  const unsigned i = threadIdx.x;
  part[i] = x[i];
  if (i < 32) {
    __syncthreads();
  } else {
    __syncthreads();
  }
  y[i] = part[63 - i];
}
SIM_CASE(broken_barrier_at_two_places) {
  Reversal().run(two_barriers_kernel);
}

__global__ void barrier_against_warp_kernel(const float* x, float* y) {
  SENET_SHARED(float, part, 64);
  const unsigned i = threadIdx.x;
  part[i] = x[i];
  if ((i & 1) != 0) {
    __syncthreads();
  } else {
    __syncwarp();
  }
  y[i] = part[63 - i];
}
SIM_CASE(broken_deadlock) {
  Reversal().run(barrier_against_warp_kernel);
}

__global__ void early_return_kernel(const float* x, float* y) {
  SENET_SHARED(float, part, 64);
  const unsigned i = threadIdx.x;
  y[63 - i] = x[i];
  if (i >= 32) return;
  part[i] = x[i];
  __syncthreads();
}
SIM_CASE(broken_return_before_barrier) {
  Reversal().run(early_return_kernel);
}

__global__ void uninitialised_shared_kernel(const float* x, float* y) {
  SENET_SHARED(float, part, 65);
  const unsigned i = threadIdx.x;
  part[i] = x[i];
  __syncthreads();
  y[i] = fmaxf(part[63 - i], part[64]);
}
SIM_CASE(broken_uninitialised_shared_memory) {
  Reversal().run(uninitialised_shared_kernel);
}

__global__ void shared_overrun_kernel(const float* x, float* y) {
  SENET_SHARED(float, first, 64);
  SENET_SHARED(float, second, 64);
  const unsigned i = threadIdx.x;
  float* const shifted = first + 1;
  shifted[i] = x[i];
  second[i] = 0;
  __syncthreads();
  y[i] = shifted[63 - i];
}
SIM_CASE(broken_shared_array_overrun) {
  Reversal().run(shared_overrun_kernel);
}

__global__ void dynamic_shared_kernel(const float* x, float* y) {
  SENET_DYNAMIC_SHARED(float, part);
  const unsigned i = threadIdx.x;
  part[i] = x[i];
  __syncthreads();
  y[i] = part[63 - i];
}
SIM_CASE(broken_dynamic_shared_not_asked_for) {
  Reversal().run(dynamic_shared_kernel);
}
SIM_CASE(broken_dynamic_shared_overrun) {
  Reversal().run(dynamic_shared_kernel, 63 * sizeof(float));
}
SIM_CASE(broken_dynamic_shared_above_limit) {
  Reversal().run(dynamic_shared_kernel, 100 << 10);
}

__global__ void misaligned_kernel(const float* x, float* y) {
  const unsigned i = threadIdx.x;
  float value = x[i];
  if (i < 15) value += 0 * reinterpret_cast<const float4*>(x + 4 * i + 1)->x;
  y[63 - i] = value;
}
SIM_CASE(broken_misaligned_vector) {
  Reversal().run(misaligned_kernel);
}

__global__ void misaligned_ldg_kernel(const float* x, float* y) {
  const unsigned i = threadIdx.x;
  float value = x[i];
  if (i < 15) value += 0 * __ldg(reinterpret_cast<const float4*>(x + 4 * i + 1)).x;
  y[63 - i] = value;
}
SIM_CASE(broken_misaligned_vector_by_ldg) {
  Reversal().run(misaligned_ldg_kernel);
}

__global__ void read_past_end_kernel(const float* x, float* y) {
  const unsigned i = threadIdx.x;
  y[i] = x[63 - i + 1];
}
SIM_CASE(broken_read_past_the_end) {
  Reversal().run(read_past_end_kernel);
}

__global__ void write_past_end_kernel(const float* x, float* y) {
  const unsigned i = threadIdx.x;
  y[64 - i] = x[i];
  y[0] = x[63];
}
SIM_CASE(broken_write_past_the_end) {
  Reversal().run(write_past_end_kernel);
}

// 400 bytes are followed by slack up to a multiple of 256.
__global__ void read_slack_kernel(const float* hundred, float* y) {
  const unsigned i = threadIdx.x;
  y[63 - i] = hundred[i + 37] - 37;
}
SIM_CASE(broken_read_just_past_the_end) {
  Reversal reversal;
  const DeviceArray<float> hundred(counting(100));
  senet::cuda::launch("broken_kernel", read_slack_kernel, dim3(1), dim3(64), 0, reversal.stream, hundred,
                      reversal.output);
  reversal.verify();
}

__global__ void write_slack_kernel(const float* x, float* y, float* hundred) {
  const unsigned i = threadIdx.x;
  hundred[i + 37] = x[i];
  y[63 - i] = x[i];
}
SIM_CASE(broken_write_just_past_the_end) {
  Reversal reversal;
  const DeviceArray<float> hundred(100);
  senet::cuda::launch("broken_kernel", write_slack_kernel, dim3(1), dim3(64), 0, reversal.stream,
                      reversal.input, reversal.output, hundred);
  reversal.verify();
}

SIM_CASE(broken_uninitialised_device_memory) {
  Reversal reversal;
  const DeviceArray<float> empty(64);
  senet::cuda::launch("broken_kernel", control_kernel, dim3(1), dim3(64), 0, reversal.stream, empty,
                      reversal.output);
  reversal.verify();
}

SIM_CASE(broken_pointer_off_by_one) {
  Reversal reversal;
  senet::cuda::launch("broken_kernel", control_kernel, dim3(1), dim3(64), 0, reversal.stream,
                      reversal.input + 1, reversal.output);
  reversal.verify();
}

SIM_CASE(broken_block_too_large) {
  Reversal reversal;
  senet::cuda::launch("broken_kernel", control_kernel, dim3(1), dim3(1025), 0, reversal.stream,
                      reversal.input, reversal.output);
  reversal.verify();
}

}  // namespace
