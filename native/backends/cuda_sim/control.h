// What a test may ask of the simulated device. Plain C, found by name in the library, so that a program which
// opens the backend as a shared library can use it too. Every function may be called at any time from any
// thread.
#pragma once

#include <stddef.h>
#include <stdint.h>

#define SENET_SIM_EXPORT __attribute__((visibility("default")))

extern "C" {

// Order in which the blocks and threads of a launch run.
enum SimSchedule { kSimForward = 0, kSimReverse = 1, kSimRandom = 2 };

// The seed also decides how the operations of several streams interleave. Environment, read once at the
// start: SENET_SIM_SCHEDULE=forward|reverse|random, SENET_SIM_SEED=n, SENET_SIM_FILL=byte (255 or 0x7b),
// SENET_SIM_MEMORY=bytes, SENET_SIM_DEVICES=75,90 (a GPU of each compute capability, by default one of 9.0),
// SENET_SIM_TRAFFIC=file to be written at the end (see SimTraffic). SENET_SIM_IDLE=1 does none
// of the work that is queued, only checks it: for programs too large to be simulated, whose form is of interest.
SENET_SIM_EXPORT void sim_set_schedule(int schedule, uint64_t seed);

// Byte that fresh device, pinned and shared memory is filled with. 0xff is a NaN in every type; fmaxf()
// swallows NaNs, so a second run with another byte, 0x7b say, finds what the first misses.
SENET_SIM_EXPORT void sim_set_fill(int byte);

// Strict (the start): a warp operation may not name lanes that have returned or do not exist, and no thread
// may return before the last barrier of its block. A GPU tolerates both.
SENET_SIM_EXPORT void sim_set_strict(int strict);

// Total memory of the device.
SENET_SIM_EXPORT void sim_set_memory_limit(size_t bytes);

// Makes the n-th call from now fail, once: n = 1 is the next one, 0 takes the order back. Allocations are
// those of device memory (they fail with cudaErrorMemoryAllocation), launches those of kernels
// (cudaErrorLaunchOutOfResources).
SENET_SIM_EXPORT void sim_fail_allocation(uint64_t n);
SENET_SIM_EXPORT void sim_fail_launch(uint64_t n);
// The same for a function by name ("cudaStreamCreateWithFlags", "cudnnBackendExecute"), with the error it is to
// return; one order at a time.
SENET_SIM_EXPORT void sim_fail_call(const char* function, uint64_t n, int error);
// Makes the n-th operation that runs in a stream from now end with the error, which stays: as if a kernel had
// done wrong. Kernels, copies, fills and the work of libraries count, in graphs too.
SENET_SIM_EXPORT void sim_fail_operation(uint64_t n, int error);
// How many of these orders have not come due.
SENET_SIM_EXPORT size_t sim_pending_orders(void);

// What is alive. A graph counts once for the graph and once for each executable made of it.
struct SimLive {
  size_t allocations;
  size_t bytes;
  size_t pinned;
  size_t streams;
  size_t events;
  size_t graphs;
};
SENET_SIM_EXPORT struct SimLive sim_live(void);
// Sum of all counts of sim_live(): 0 when nothing leaks.
SENET_SIM_EXPORT size_t sim_live_count(void);
// Most bytes of device memory in use at once since the start or the last call of sim_reset().
SENET_SIM_EXPORT size_t sim_peak_bytes(void);

// The last thing the device complained about, with kernel, block, thread, file and line where there are any;
// "" if none. The text stays valid until the same thread asks again.
SENET_SIM_EXPORT const char* sim_last_message(void);

// Per kernel, by the name given to launch(). Bytes are counted in the build mode "traffic" only, and only in
// device memory; the copies and fills of the runtime count, in every mode, under "cudaMemcpy" and
// "cudaMemset", and operations of a library under the name it gave. The file that SENET_SIM_TRAFFIC names gets
// all of it when the process ends, as a JSON object of names.
struct SimTraffic {
  uint64_t launches;
  uint64_t bytes_read;  // asked for by the threads: a value that all threads read counts once for each
  uint64_t bytes_written;
  uint64_t unique_read;  // different bytes, in sectors of 32, per launch: what a perfect cache would load
  uint64_t unique_written;
};
SENET_SIM_EXPORT struct SimTraffic sim_traffic(const char* kernel);
// Sum over all names.
SENET_SIM_EXPORT struct SimTraffic sim_traffic_total(void);
SENET_SIM_EXPORT void sim_reset_traffic(void);

// Forgets queued work, a sticky error, the last message, orders to fail and statistics. What is alive stays
// alive.
SENET_SIM_EXPORT void sim_reset(void);
}
