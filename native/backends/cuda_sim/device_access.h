// For libraries emulated on top of the simulated device (cuDNN): work in a stream, done by host code.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "driver_types.h"

namespace senet::sim {

// Bytes of device memory.
struct DeviceRange {
  const void* data;
  size_t bytes;
};

// Whether the range lies in one live allocation of the device. An empty range does.
bool in_device_memory(DeviceRange range);

// Queues `work` on a stream, like a kernel: it runs at a later synchronising call (each time, when captured
// into a graph), in the stream's order, on the thread that synchronises. While it runs the device's memory is
// open to it: it uses device addresses as they are. It may call nothing of the CUDA runtime.
//
// `reads` and `writes` name all device memory it touches. They are checked now and again when the work runs:
// a range outside of one live allocation is an error (cudaErrorIllegalAddress; on running it stays). The race
// detector and the traffic count take them for the accesses of `work`, which itself need not be instrumented.
//
// `work` returns cudaSuccess or the error that the stream ends with.
cudaError_t enqueue_device_work(cudaStream_t stream, std::string name, std::vector<DeviceRange> reads,
                                std::vector<DeviceRange> writes, std::function<cudaError_t()> work);

// Keeps `message` for sim_last_message() and returns `error`, so that a refusal can be explained.
cudaError_t report_device_error(cudaError_t error, std::string message);

// Whether the function called `name` has been told to fail now by sim_fail_call(); it should then return
// `error`.
bool should_fail(const char* name, int* error);

}  // namespace senet::sim
