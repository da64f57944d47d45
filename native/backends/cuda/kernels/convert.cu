// convert: between storage types. pack_weight: a convolution's weight [K,C,kH,kW] float to [K,kH,kW,padded C]
// of storage T, added channels zero; unpack_weight_gradient: back. A thread takes elements of the output,
// neighbours side by side; weights are small beside maps.
#include "backends/cuda/kernels/elementwise.cuh"

namespace senet::cuda {
namespace {

// x, y [count]; the first `vectors` groups of 8 are taken whole.
template <typename From, typename To>
__global__ void __launch_bounds__(kElementwiseThreads)
    convert_kernel(int64_t vectors, int64_t count, const From* x, To* y) {
  constexpr int kGroup = 8, kIn = kVectorWidth<From>, kOut = kVectorWidth<To>;
  const int64_t first = int64_t{blockIdx.x} * blockDim.x + threadIdx.x,
                step = int64_t{gridDim.x} * blockDim.x;
  for (int64_t i = first; i < vectors; i += step) {
    float values[kGroup];
#pragma unroll
    for (int j = 0; j < kGroup; j += kIn) {
      float part[kIn];
      load(x + i * kGroup + j, part);
#pragma unroll
      for (int k = 0; k < kIn; ++k) values[j + k] = part[k];
    }
#pragma unroll
    for (int j = 0; j < kGroup; j += kOut) {
      float part[kOut];
#pragma unroll
      for (int k = 0; k < kOut; ++k) part[k] = values[j + k];
      store(y + i * kGroup + j, part);
    }
  }
  for (int64_t i = vectors * kGroup + first; i < count; i += step) from_float(to_float(x[i]), y[i]);
}

// weight [K,C,positions], packed [K,positions,padded C].
template <typename T>
__global__ void __launch_bounds__(kElementwiseThreads)
    pack_weight_kernel(const float* weight, T* packed, WeightSize size) {
  const int64_t count = size.outputs * size.positions * size.padded_inputs;
  const int64_t step = int64_t{gridDim.x} * blockDim.x;
  for (int64_t i = int64_t{blockIdx.x} * blockDim.x + threadIdx.x; i < count; i += step) {
    const int64_t c = i % size.padded_inputs, row = i / size.padded_inputs;
    const int64_t position = row % size.positions, k = row / size.positions;
    const float value = c < size.inputs ? weight[(k * size.inputs + c) * size.positions + position] : 0.0f;
    from_float(value, packed[i]);
  }
}

// packed [K,positions,padded C], gradient [K,C,positions].
template <typename T>
__global__ void __launch_bounds__(kElementwiseThreads)
    unpack_weight_gradient_kernel(const T* packed, float* gradient, WeightSize size) {
  const int64_t count = size.outputs * size.inputs * size.positions;
  const int64_t step = int64_t{gridDim.x} * blockDim.x;
  for (int64_t i = int64_t{blockIdx.x} * blockDim.x + threadIdx.x; i < count; i += step) {
    const int64_t position = i % size.positions, row = i / size.positions;
    const int64_t c = row % size.inputs, k = row / size.inputs;
    gradient[i] = to_float(packed[(k * size.positions + position) * size.padded_inputs + c]);
  }
}

}  // namespace

template <typename From, typename To>
void convert(const From* x, To* y, int64_t count, cudaStream_t stream) {
  const int64_t vectors = is_aligned(x, y) ? count / 8 : 0;
  launch("convert_kernel", convert_kernel<From, To>, elementwise_grid(vectors > 0 ? vectors : count),
         dim3(kElementwiseThreads), 0, stream, vectors, count, x, y);
}

template <typename T>
void pack_weight(const float* weight, T* packed, const WeightSize& size, cudaStream_t stream) {
  launch("pack_weight_kernel", pack_weight_kernel<T>,
         elementwise_grid(size.outputs * size.positions * size.padded_inputs), dim3(kElementwiseThreads), 0,
         stream, weight, packed, size);
}

template <typename T>
void unpack_weight_gradient(const T* packed, float* gradient, const WeightSize& size, cudaStream_t stream) {
  launch("unpack_weight_gradient_kernel", unpack_weight_gradient_kernel<T>,
         elementwise_grid(size.outputs * size.positions * size.inputs), dim3(kElementwiseThreads), 0, stream,
         packed, gradient, size);
}

template void convert(const float*, __half*, int64_t, cudaStream_t);
template void convert(const float*, __nv_bfloat16*, int64_t, cudaStream_t);
template void convert(const __half*, float*, int64_t, cudaStream_t);
template void convert(const __nv_bfloat16*, float*, int64_t, cudaStream_t);

#define SENET_INSTANTIATE(T)                                                    \
  template void pack_weight(const float*, T*, const WeightSize&, cudaStream_t); \
  template void unpack_weight_gradient(const T*, float*, const WeightSize&, cudaStream_t);
SENET_INSTANTIATE(float)
SENET_INSTANTIATE(__half)
SENET_INSTANTIATE(__nv_bfloat16)
#undef SENET_INSTANTIATE

}  // namespace senet::cuda
