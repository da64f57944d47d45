// Emulated cuDNN: what tests have ordered by control.h, and what they may count.
#pragma once

#include <cstdint>

namespace senet::sim {

struct CudnnOrders {
  uint64_t plans = 0;        // finalized so far
  uint64_t fail_plan = 0;    // how many plans from now one fails; 0 for none
  uint64_t refuse_plan = 0;  // the same for one that is refused
  bool fail_all_plans = false;
  int architecture = 0;  // 0: the device's own
};

CudnnOrders& cudnn_orders();

}  // namespace senet::sim
