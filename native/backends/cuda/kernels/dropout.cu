// dropout: y = x / (1 - rate) where u >= rate, else 0 * x. u of element i is word i % 4 of Philox counter i /
// 4, times 2^-32 (device/philox.cuh). x, y [count] of storage T, key two words; computes in float. A thread
// takes vectors of 16 bytes, one counter for 4 floats or two for 8 halves, or four elements one by one.
// Where parts of `size` elements (images) are dropped whole, i is the index of the part: blockIdx.y or a
// multiple of gridDim.y more; a thread takes vectors if no vector lies in two parts, else elements.
#include <cmath>

#include "backends/cuda/device/philox.cuh"
#include "backends/cuda/kernels/elementwise.cuh"

namespace senet::cuda {
namespace {

struct DropoutRule {
  float scale, dropped_scale;
  uint32_t last_dropped;  // words up to this are dropped
  uint32_t stream;
};

// The factors of elements 4 * counter .. 4 * counter + 3.
__device__ void dropout_factors(const DropoutRule& rule, int64_t counter, const int32_t* key,
                                float* factors) {
  const uint4 words = philox(static_cast<uint64_t>(counter), rule.stream, static_cast<uint32_t>(key[0]),
                             static_cast<uint32_t>(key[1]));
  factors[0] = words.x > rule.last_dropped ? rule.scale : rule.dropped_scale;
  factors[1] = words.y > rule.last_dropped ? rule.scale : rule.dropped_scale;
  factors[2] = words.z > rule.last_dropped ? rule.scale : rule.dropped_scale;
  factors[3] = words.w > rule.last_dropped ? rule.scale : rule.dropped_scale;
}

// x, y [count], key [2]; the first `vectors` vectors are taken whole.
template <typename T>
__global__ void __launch_bounds__(kElementwiseThreads)
    dropout_kernel(int64_t vectors, int64_t count, DropoutRule rule, const int32_t* key, const T* x, T* y) {
  constexpr int V = kVectorWidth<T>;
  const int64_t first = int64_t{blockIdx.x} * blockDim.x + threadIdx.x,
                step = int64_t{gridDim.x} * blockDim.x;
  for (int64_t i = first; i < vectors; i += step) {
    float values[V], factors[V];
    load(x + i * V, values);
#pragma unroll
    for (int j = 0; j < V; j += 4) dropout_factors(rule, (i * V + j) / 4, key, factors + j);
#pragma unroll
    for (int j = 0; j < V; ++j) values[j] *= factors[j];
    store(y + i * V, values);
  }
  for (int64_t i = vectors * V + 4 * first; i < count; i += 4 * step) {
    float factors[4];
    dropout_factors(rule, i / 4, key, factors);
    for (int j = 0; j < 4 && i + j < count; ++j) from_float(to_float(x[i + j]) * factors[j], y[i + j]);
  }
}

// x, y [parts, size], key [2]; of each part the first `vectors` vectors are taken whole.
template <typename T>
__global__ void __launch_bounds__(kElementwiseThreads)
    dropout_whole_kernel(int64_t vectors, int64_t parts, int64_t size, DropoutRule rule, const int32_t* key,
                         const T* x, T* y) {
  constexpr int V = kVectorWidth<T>;
  const int64_t first = int64_t{blockIdx.x} * blockDim.x + threadIdx.x,
                step = int64_t{gridDim.x} * blockDim.x;
  for (int64_t part = blockIdx.y; part < parts; part += gridDim.y) {
    float factors[4];
    dropout_factors(rule, part / 4, key, factors);
    const float low = part % 2 == 0 ? factors[0] : factors[1], high = part % 2 == 0 ? factors[2] : factors[3];
    const float factor = part % 4 < 2 ? low : high;
    const T* from = x + part * size;
    T* to = y + part * size;
    const auto scaled = [factor](float value) { return value * factor; };
    for (int64_t i = first; i < vectors; i += step) elementwise_at<V>(to, i * V, scaled, from);
    for (int64_t i = vectors * V + first; i < size; i += step) elementwise_at<1>(to, i, scaled, from);
  }
}

}  // namespace

template <typename T>
void dropout(const T* x, const int32_t* key, double rate, uint32_t stream_id, T* y, int64_t count,
             int64_t size, cudaStream_t stream) {
  // u < rate for words below this count.
  const auto dropped = static_cast<uint64_t>(std::ceil(rate * 4294967296.0));
  DropoutRule rule = {};
  rule.scale = static_cast<float>(1.0 / (1.0 - rate));
  rule.dropped_scale = dropped == 0 ? rule.scale : 0.0f;
  rule.last_dropped = static_cast<uint32_t>(std::max<uint64_t>(dropped, 1) - 1);
  rule.stream = stream_id;
  if (size > 1) {
    const int64_t vectors = is_aligned(x, y) && size % kVectorWidth<T> == 0 ? size / kVectorWidth<T> : 0;
    dim3 grid = elementwise_grid(vectors > 0 ? vectors : size);
    grid.y = static_cast<unsigned>(std::min<int64_t>(count / size, 65535));
    launch("dropout_whole_kernel", dropout_whole_kernel<T>, grid, dim3(kElementwiseThreads), 0, stream,
           vectors, count / size, size, rule, key, x, y);
    return;
  }
  const int64_t vectors = is_aligned(x, y) ? count / kVectorWidth<T> : 0;
  launch("dropout_kernel", dropout_kernel<T>, elementwise_grid(std::max(vectors, (count + 3) / 4)),
         dim3(kElementwiseThreads), 0, stream, vectors, count, rule, key, x, y);
}

template void dropout(const float*, const int32_t*, double, uint32_t, float*, int64_t, int64_t, cudaStream_t);
template void dropout(const __half*, const int32_t*, double, uint32_t, __half*, int64_t, int64_t,
                      cudaStream_t);
template void dropout(const __nv_bfloat16*, const int32_t*, double, uint32_t, __nv_bfloat16*, int64_t,
                      int64_t, cudaStream_t);

}  // namespace senet::cuda
