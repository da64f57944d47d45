// max_pool: y = the greatest cell of each window, a NaN counting as greatest and padding as nothing; index =
// the place of the first greatest in the window, row * kernel width + column. Its gradient: dx = the sum of
// dy over the windows that hold the cell and whose index says so, in their order. x, dx [N,H,W,C], y, dy
// [N,OH,OW,C] of storage T, index u8 like y. A thread takes V channels of one position of the map it writes;
// see pool_window.cuh.
#include <cmath>

#include "backends/cuda/kernels/pool_window.cuh"

namespace senet::cuda {
namespace {

template <int V>
struct alignas(V) Bytes {
  uint8_t at[V];
};

template <typename T>
struct MaxPoolOperands {
  const T* x;      // [N,H,W,C]
  uint8_t* index;  // [N,OH,OW,C] or null
  PoolSize size;
};

template <typename T, int V>
class MaxPool {
 public:
  __device__ MaxPool(const MaxPoolOperands<T>& o, int64_t channel, int64_t at) : o_(o), channel_(channel) {
    const PoolSize& size = o.size;
    image_ = o.x + (at - channel) * size.rows.input * size.columns.input;
  }

  __device__ void operator()(int64_t e, int64_t position, float (&best)[V]) const {
    const PoolAxis &rows = o_.size.rows, &columns = o_.size.columns;
    const int32_t row = static_cast<int32_t>(position) / columns.output;
    const int32_t column = static_cast<int32_t>(position) % columns.output;
    const PoolRange over_rows = window_cells(rows, row), over_columns = window_cells(columns, column);
    Bytes<V> place = {};
    bool first = true;
#pragma unroll
    for (int i = 0; i < V; ++i) best[i] = -INFINITY;
    for (int32_t h = over_rows.begin; h < over_rows.end; ++h) {
      for (int32_t w = over_columns.begin; w < over_columns.end; ++w) {
        float x[V];
        load(image_ + (int64_t{h} * columns.input + w) * o_.size.channels + channel_, x);
        const int32_t here =
            (h - window_start(rows, row)) * columns.kernel + w - window_start(columns, column);
#pragma unroll
        for (int i = 0; i < V; ++i) {
          if (!first && x[i] <= best[i]) continue;
          if (!first && best[i] != best[i] && x[i] == x[i]) continue;  // a NaN stays
          best[i] = x[i];
          place.at[i] = static_cast<uint8_t>(here);
        }
        first = false;
      }
    }
    if (o_.index != nullptr) *reinterpret_cast<Bytes<V>*>(o_.index + e) = place;
  }

 private:
  const MaxPoolOperands<T>& o_;
  const T* image_;
  int64_t channel_;
};

template <typename T>
struct BackwardOperands {
  const T* dy;           // [N,OH,OW,C]
  const uint8_t* index;  // [N,OH,OW,C]
  PoolSize size;
};

template <typename T, int V>
class MaxPoolGradient {
 public:
  __device__ MaxPoolGradient(const BackwardOperands<T>& o, int64_t channel, int64_t at) : o_(o) {
    image_ = (at - channel) * o.size.rows.output * o.size.columns.output + channel;
  }

  __device__ void operator()(int64_t, int64_t position, float (&sum)[V]) const {
    const PoolAxis &rows = o_.size.rows, &columns = o_.size.columns;
    const int32_t row = static_cast<int32_t>(position) / columns.input;
    const int32_t column = static_cast<int32_t>(position) % columns.input;
    const PoolRange over_rows = windows_over(rows, row), over_columns = windows_over(columns, column);
    for (int32_t oh = over_rows.begin; oh < over_rows.end; ++oh) {
      for (int32_t ow = over_columns.begin; ow < over_columns.end; ++ow) {
        const int64_t e = image_ + (int64_t{oh} * columns.output + ow) * o_.size.channels;
        const int32_t here =
            (row - window_start(rows, oh)) * columns.kernel + column - window_start(columns, ow);
        const Bytes<V> place = *reinterpret_cast<const Bytes<V>*>(o_.index + e);
        float dy[V];
        load(o_.dy + e, dy);
#pragma unroll
        for (int i = 0; i < V; ++i) sum[i] += place.at[i] == here ? dy[i] : 0.0f;
      }
    }
  }

 private:
  const BackwardOperands<T>& o_;
  int64_t image_;
};

}  // namespace

template <typename T>
void max_pool_forward(const T* x, T* y, uint8_t* index, const PoolSize& size, cudaStream_t stream) {
  channel_apply<MaxPool, T>("max_pool_forward_kernel", pool_output(size), is_aligned(x, index), nullptr, y,
                            MaxPoolOperands<T>{x, index, size}, stream);
}

template <typename T>
void max_pool_backward(const T* dy, const uint8_t* index, T* dx, const PoolSize& size, cudaStream_t stream) {
  channel_apply<MaxPoolGradient, T>("max_pool_backward_kernel", pool_input(size), is_aligned(dy, index),
                                    nullptr, dx, BackwardOperands<T>{dy, index, size}, stream);
}

#define SENET_INSTANTIATE(T)                                                             \
  template void max_pool_forward(const T*, T*, uint8_t*, const PoolSize&, cudaStream_t); \
  template void max_pool_backward(const T*, const uint8_t*, T*, const PoolSize&, cudaStream_t);
SENET_INSTANTIATE(float)
SENET_INSTANTIATE(__half)
SENET_INSTANTIATE(__nv_bfloat16)
#undef SENET_INSTANTIATE

}  // namespace senet::cuda
