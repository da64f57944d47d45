// What a test may ask of the emulated cuDNN. Plain C, found by name in the library; from any thread.
#pragma once

#include <stddef.h>
#include <stdint.h>

extern "C" {

// Makes the n-th execution plan to be finalized from now fail, once: n = 1 is the next one, 0 takes the order
// back. The environment variable SENET_SIM_CUDNN_FAIL_PLAN=n gives the order at the start.
__attribute__((visibility("default"))) void sim_cudnn_fail_plan(uint64_t n);
// The same, but the plan is refused as one that is not supported, which is nothing out of the ordinary.
__attribute__((visibility("default"))) void sim_cudnn_refuse_plan(uint64_t n);
// From now on no plan at all can be finalized, until told otherwise.
__attribute__((visibility("default"))) void sim_cudnn_fail_all_plans(int fail);
// 90 or 80: what the device is taken for, which decides whether sums are fused. 0 (the start): for what it is.
__attribute__((visibility("default"))) void sim_cudnn_set_architecture(int architecture);
// Descriptors and handles alive.
__attribute__((visibility("default"))) size_t sim_cudnn_live(void);
// Execution plans finalized so far, whether from engines or from text.
__attribute__((visibility("default"))) uint64_t sim_cudnn_plans(void);
}
