// The built-in variables of a simulated thread. Only one thread of the process runs device code at a time, so
// they are plain variables that the executor sets when it changes threads.
#pragma once

#include "vector_types.h"

extern uint3 threadIdx;
extern uint3 blockIdx;
extern dim3 blockDim;
extern dim3 gridDim;
inline constexpr int warpSize = 32;
