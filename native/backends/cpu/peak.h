// What the processor reaches at most with the threads of a program: the roofs that kernels are measured by.
#pragma once

namespace senet::cpu {

struct Peak {
  double bandwidth;  // bytes a second of a copy of large arrays, read and written
  double flops;      // floating-point operations a second of multiply-adds that touch no memory
};

// Takes some tenths of a second. On the thread whose OpenMP settings are to be used.
Peak measure_peak();

}  // namespace senet::cpu
