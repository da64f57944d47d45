// Shake-Shake (Gastaldi 2017), forward y = s * a + (1 - s) * b, backward da = t * dy and db = (1 - t) * dy. a,
// b, y, dy, da, db [images, size] of storage T, key two words; computes in float. s and t of image n are word
// n % 4 of Philox counter n / 4, times 2^-32 (device/philox.cuh), or t is 1/2. An image is blockIdx.y or a
// multiple of gridDim.y more; a thread takes vectors of 16 bytes if none lies in two images, else elements.
#include "backends/cuda/device/philox.cuh"
#include "backends/cuda/kernels/elementwise.cuh"

namespace senet::cuda {
namespace {

// The share of image n's first branch.
__device__ float share_of(int64_t n, uint32_t stream_id, const int32_t* key) {
  const uint4 words = philox(static_cast<uint64_t>(n / 4), stream_id, static_cast<uint32_t>(key[0]),
                             static_cast<uint32_t>(key[1]));
  const uint32_t low = n % 2 == 0 ? words.x : words.y, high = n % 2 == 0 ? words.z : words.w;
  return static_cast<float>(n % 4 < 2 ? low : high) * 0x1p-32f;
}

// a, b, y [images, size], key [2]; of each image the first `vectors` vectors are taken whole.
template <typename T>
__global__ void __launch_bounds__(kElementwiseThreads)
    shake_forward_kernel(int64_t vectors, int64_t images, int64_t size, uint32_t stream_id,
                         const int32_t* key, const T* a, const T* b, T* y) {
  constexpr int V = kVectorWidth<T>;
  const int64_t first = int64_t{blockIdx.x} * blockDim.x + threadIdx.x,
                step = int64_t{gridDim.x} * blockDim.x;
  for (int64_t n = blockIdx.y; n < images; n += gridDim.y) {
    const float share = share_of(n, stream_id, key);
    const int64_t at = n * size;
    const auto mixed = [share](float p, float q) { return share * p + (1.0f - share) * q; };
    for (int64_t i = first; i < vectors; i += step) elementwise_at<V>(y + at, i * V, mixed, a + at, b + at);
    for (int64_t i = vectors * V + first; i < size; i += step) {
      elementwise_at<1>(y + at, i, mixed, a + at, b + at);
    }
  }
}

template <int V, typename T>
__device__ void split_at(const T* dy, T* da, T* db, int64_t i, float share) {
  float values[V], others[V];
  load(dy + i, values);
#pragma unroll
  for (int j = 0; j < V; ++j) {
    others[j] = (1.0f - share) * values[j];
    values[j] *= share;
  }
  store(da + i, values);
  store(db + i, others);
}

// dy, da, db [images, size], key [2] or, for a share of 1/2, null; vectors as above.
template <typename T>
__global__ void __launch_bounds__(kElementwiseThreads)
    shake_backward_kernel(int64_t vectors, int64_t images, int64_t size, uint32_t stream_id,
                          const int32_t* key, const T* dy, T* da, T* db) {
  constexpr int V = kVectorWidth<T>;
  const int64_t first = int64_t{blockIdx.x} * blockDim.x + threadIdx.x,
                step = int64_t{gridDim.x} * blockDim.x;
  for (int64_t n = blockIdx.y; n < images; n += gridDim.y) {
    const float share = key == nullptr ? 0.5f : share_of(n, stream_id, key);
    const int64_t at = n * size;
    for (int64_t i = first; i < vectors; i += step) split_at<V>(dy + at, da + at, db + at, i * V, share);
    for (int64_t i = vectors * V + first; i < size; i += step) {
      split_at<1>(dy + at, da + at, db + at, i, share);
    }
  }
}

// Blocks for the images: x over an image, y over the images.
dim3 shake_grid(int64_t vectors, int64_t images, int64_t size) {
  dim3 grid = elementwise_grid(vectors > 0 ? vectors : size);
  grid.y = static_cast<unsigned>(std::min<int64_t>(images, 65535));
  return grid;
}

}  // namespace

template <typename T>
void shake_forward(const T* a, const T* b, const int32_t* key, uint32_t stream_id, T* y, int64_t images,
                   int64_t size, cudaStream_t stream) {
  const int64_t vectors = is_aligned(a, b, y) && size % kVectorWidth<T> == 0 ? size / kVectorWidth<T> : 0;
  launch("shake_forward_kernel", shake_forward_kernel<T>, shake_grid(vectors, images, size),
         dim3(kElementwiseThreads), 0, stream, vectors, images, size, stream_id, key, a, b, y);
}

template <typename T>
void shake_backward(const T* dy, const int32_t* key, uint32_t stream_id, T* da, T* db, int64_t images,
                    int64_t size, cudaStream_t stream) {
  const int64_t vectors = is_aligned(dy, da, db) && size % kVectorWidth<T> == 0 ? size / kVectorWidth<T> : 0;
  launch("shake_backward_kernel", shake_backward_kernel<T>, shake_grid(vectors, images, size),
         dim3(kElementwiseThreads), 0, stream, vectors, images, size, stream_id, key, dy, da, db);
}

#define SENET_INSTANTIATE(T)                                                                      \
  template void shake_forward(const T*, const T*, const int32_t*, uint32_t, T*, int64_t, int64_t, \
                              cudaStream_t);                                                      \
  template void shake_backward(const T*, const int32_t*, uint32_t, T*, T*, int64_t, int64_t, cudaStream_t);
SENET_INSTANTIATE(float)
SENET_INSTANTIATE(__half)
SENET_INSTANTIATE(__nv_bfloat16)
#undef SENET_INSTANTIATE

}  // namespace senet::cuda
