// find_non_finite: which tensors hold a NaN or an infinity, that is a number whose exponent bits are all
// ones. Values of any storage, bad [count] and any [1] i32. One launch over all (multi_tensor.cuh); a block that
// finds one adds 1, an integer, so the order does not matter.
#include "backends/cuda/kernels/kernels.h"
#include "backends/cuda/kernels/multi_tensor.cuh"
#include "backends/cuda/launch.cuh"

namespace senet::cuda {
namespace {

template <typename Bits, Bits kExponent>
__device__ int any_non_finite(const FiniteTensor& tensor) {
  const auto* bits = static_cast<const Bits*>(tensor.values);
  int found = 0;
  for_tensor_elements(tensor.elements,
                      [&](int64_t i) { found |= (bits[i] & kExponent) == kExponent ? 1 : 0; });
  return found;
}

// tensors [gridDim.y], bad [gridDim.y] or null, any [1] or null.
__global__ void __launch_bounds__(kTensorThreads)
    find_non_finite_kernel(const FiniteTensor* tensors, int32_t* bad, int32_t* any) {
  const FiniteTensor tensor = tensors[blockIdx.y];
  int found = 0;
  if (tensor.storage == Storage::kFloat32) found = any_non_finite<uint32_t, 0x7F800000u>(tensor);
  if (tensor.storage == Storage::kFloat16) found = any_non_finite<uint16_t, 0x7C00u>(tensor);
  if (tensor.storage == Storage::kBFloat16) found = any_non_finite<uint16_t, 0x7F80u>(tensor);
  found = __syncthreads_or(found);
  if (found == 0 || threadIdx.x != 0) return;
  if (bad != nullptr) atomicAdd(bad + blockIdx.y, 1);
  if (any != nullptr) atomicAdd(any, 1);
}

}  // namespace

void find_non_finite(const FiniteTensor* tensors, int count, int64_t largest, int32_t* bad, int32_t* any,
                     cudaStream_t stream) {
  launch("find_non_finite_kernel", find_non_finite_kernel, tensor_grid(count, largest), dim3(kTensorThreads),
         0, stream, tensors, bad, any);
}

}  // namespace senet::cuda
