// running_update, for each running statistic: running = (1 - momentum) * running + weight * batch. All float.
// One launch over all (multi_tensor.cuh), a thread per element at a time.
#include "backends/cuda/kernels/kernels.h"
#include "backends/cuda/kernels/multi_tensor.cuh"
#include "backends/cuda/launch.cuh"

namespace senet::cuda {
namespace {

// tensors [gridDim.y], failed [1] or null.
__global__ void __launch_bounds__(kTensorThreads)
    running_update_kernel(const RunningTensor* tensors, float keep, const int32_t* failed) {
  if (failed != nullptr && *failed != 0) return;
  const RunningTensor tensor = tensors[blockIdx.y];
  for_tensor_elements(tensor.elements, [&](int64_t i) {
    tensor.running[i] = fmaf(keep, tensor.running[i], tensor.weight * tensor.batch[i]);
  });
}

}  // namespace

void running_update(const RunningTensor* tensors, int count, int64_t largest, double momentum,
                    const int32_t* failed, cudaStream_t stream) {
  launch("running_update_kernel", running_update_kernel, tensor_grid(count, largest), dim3(kTensorThreads), 0,
         stream, tensors, static_cast<float>(1 - momentum), failed);
}

}  // namespace senet::cuda
