// accumulate, for each mean and value, with n the values that went into the means before: mean = value if n is 0, else
// mean += (value - mean) / (n + 1). All float, n in device memory; a step whose checks failed changes nothing. One
// launch over all (multi_tensor.cuh), a thread per four elements, or one, at a time.
#include "backends/cuda/device/vector.cuh"
#include "backends/cuda/kernels/kernels.h"
#include "backends/cuda/kernels/multi_tensor.cuh"
#include "backends/cuda/launch.cuh"

namespace senet::cuda {
namespace {

// tensors [gridDim.y], n [1], failed [1] or null.
__global__ void __launch_bounds__(kTensorThreads)
    accumulate_kernel(const MeanTensor* tensors, const float* n, const int32_t* failed) {
  if (failed != nullptr && *failed != 0) return;
  const MeanTensor tensor = tensors[blockIdx.y];
  const bool first = *n == 0.0f;
  const float share = 1.0f / (*n + 1.0f);
  for_tensor_vectors(tensor.elements, tensor.aligned != 0, [&](int64_t i, auto width) {
    constexpr int V = decltype(width)::value;
    float mean[V], value[V];
    load<V>(tensor.value + i, value);
    if (!first) {
      load<V>(tensor.mean + i, mean);
#pragma unroll
      for (int k = 0; k < V; ++k) value[k] = fmaf(share, value[k] - mean[k], mean[k]);
    }
    store<V>(tensor.mean + i, value);
  });
}

}  // namespace

void accumulate(const MeanTensor* tensors, int count, int64_t largest, const float* n, const int32_t* failed,
                cudaStream_t stream) {
  launch("accumulate_kernel", accumulate_kernel, tensor_grid(count, largest), dim3(kTensorThreads), 0, stream,
         tensors, n, failed);
}

}  // namespace senet::cuda
