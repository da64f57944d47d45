// The storage types of maps, float, __half and __nv_bfloat16, to float and back. Rounds to nearest even.
#pragma once

#include <cuda_bf16.h>
#include <cuda_fp16.h>

namespace senet::cuda {

__device__ inline float to_float(float value) {
  return value;
}
__device__ inline float to_float(__half value) {
  return __half2float(value);
}
__device__ inline float to_float(__nv_bfloat16 value) {
  return __bfloat162float(value);
}

__device__ inline void from_float(float value, float& stored) {
  stored = value;
}
__device__ inline void from_float(float value, __half& stored) {
  stored = __float2half(value);
}
__device__ inline void from_float(float value, __nv_bfloat16& stored) {
  stored = __float2bfloat16(value);
}

}  // namespace senet::cuda
