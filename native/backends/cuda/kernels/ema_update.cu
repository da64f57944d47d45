// ema_update, for each average and value: average += (1 - decay) * (value - average), which keeps an average of what
// does not change. All float; a step whose checks failed changes nothing. One launch over all (multi_tensor.cuh), a
// thread per four elements, or one, at a time.
#include "backends/cuda/device/vector.cuh"
#include "backends/cuda/kernels/kernels.h"
#include "backends/cuda/kernels/multi_tensor.cuh"
#include "backends/cuda/launch.cuh"

namespace senet::cuda {
namespace {

// tensors [gridDim.y], failed [1] or null.
__global__ void __launch_bounds__(kTensorThreads)
    ema_update_kernel(const MeanTensor* tensors, float fresh, const int32_t* failed) {
  if (failed != nullptr && *failed != 0) return;
  const MeanTensor tensor = tensors[blockIdx.y];
  for_tensor_vectors(tensor.elements, tensor.aligned != 0, [&](int64_t i, auto width) {
    constexpr int V = decltype(width)::value;
    float mean[V], value[V];
    load<V>(tensor.mean + i, mean);
    load<V>(tensor.value + i, value);
#pragma unroll
    for (int k = 0; k < V; ++k) mean[k] = fmaf(fresh, value[k] - mean[k], mean[k]);
    store<V>(tensor.mean + i, mean);
  });
}

}  // namespace

void ema_update(const MeanTensor* tensors, int count, int64_t largest, double decay, const int32_t* failed,
                cudaStream_t stream) {
  launch("ema_update_kernel", ema_update_kernel, tensor_grid(count, largest), dim3(kTensorThreads), 0, stream,
         tensors, static_cast<float>(1 - decay), failed);
}

}  // namespace senet::cuda
