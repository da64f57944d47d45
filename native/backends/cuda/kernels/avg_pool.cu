// avg_pool: y = the sum over each window, padding as 0, divided by the number of its cells: in the input,
// with include_padding also in its padding. Its gradient: dx = the sum of dy / cells over the windows that
// hold the cell. x, dx [N,H,W,C], y, dy [N,OH,OW,C] of storage T. A thread takes V channels of one position
// of the map it writes; see pool_window.cuh.
#include "backends/cuda/kernels/pool_window.cuh"

namespace senet::cuda {
namespace {

template <typename T>
struct AvgPoolOperands {
  const T* in;  // x [N,H,W,C] or dy [N,OH,OW,C]
  PoolSize size;
  int64_t include_padding;
};

// 1 / cells of a window along one side; 0 for one without a cell in the input.
__device__ inline float inverse_cells(const PoolAxis& axis, bool include_padding, int32_t o) {
  const int32_t inside = window_cells(axis, o).size();
  if (inside == 0) return 0.0f;
  return __fdividef(1.0f, static_cast<float>(include_padding ? padded_cells(axis, o) : inside));
}

template <typename T, int V>
class AvgPool {
 public:
  __device__ AvgPool(const AvgPoolOperands<T>& o, int64_t channel, int64_t at) : o_(o) {
    image_ = (at - channel) * o.size.rows.input * o.size.columns.input + channel;
  }

  __device__ void operator()(int64_t, int64_t position, float (&sum)[V]) const {
    const PoolSize& size = o_.size;
    const int32_t row = static_cast<int32_t>(position) / size.columns.output;
    const int32_t column = static_cast<int32_t>(position) % size.columns.output;
    const PoolRange over_rows = window_cells(size.rows, row),
                    over_columns = window_cells(size.columns, column);
    for (int32_t h = over_rows.begin; h < over_rows.end; ++h) {
      for (int32_t w = over_columns.begin; w < over_columns.end; ++w) {
        float x[V];
        load(o_.in + image_ + (int64_t{h} * size.columns.input + w) * size.channels, x);
#pragma unroll
        for (int i = 0; i < V; ++i) sum[i] += x[i];
      }
    }
    const bool padding = o_.include_padding != 0;
    const float inverse =
        inverse_cells(size.rows, padding, row) * inverse_cells(size.columns, padding, column);
#pragma unroll
    for (int i = 0; i < V; ++i) sum[i] *= inverse;
  }

 private:
  const AvgPoolOperands<T>& o_;
  int64_t image_;
};

template <typename T, int V>
class AvgPoolGradient {
 public:
  __device__ AvgPoolGradient(const AvgPoolOperands<T>& o, int64_t channel, int64_t at) : o_(o) {
    image_ = (at - channel) * o.size.rows.output * o.size.columns.output + channel;
  }

  __device__ void operator()(int64_t, int64_t position, float (&sum)[V]) const {
    const PoolSize& size = o_.size;
    const int32_t row = static_cast<int32_t>(position) / size.columns.input;
    const int32_t column = static_cast<int32_t>(position) % size.columns.input;
    const PoolRange over_rows = windows_over(size.rows, row),
                    over_columns = windows_over(size.columns, column);
    const bool padding = o_.include_padding != 0;
    for (int32_t oh = over_rows.begin; oh < over_rows.end; ++oh) {
      const float by_row = inverse_cells(size.rows, padding, oh);
#pragma unroll 1  // several at once need more registers than there are to spare
      for (int32_t ow = over_columns.begin; ow < over_columns.end; ++ow) {
        const float inverse = by_row * inverse_cells(size.columns, padding, ow);
        float dy[V];
        load(o_.in + image_ + (int64_t{oh} * size.columns.output + ow) * size.channels, dy);
#pragma unroll
        for (int i = 0; i < V; ++i) sum[i] = fmaf(dy[i], inverse, sum[i]);
      }
    }
  }

 private:
  const AvgPoolOperands<T>& o_;
  int64_t image_;
};

}  // namespace

template <typename T>
void avg_pool_forward(const T* x, T* y, const PoolSize& size, bool include_padding, cudaStream_t stream) {
  channel_apply<AvgPool, T>("avg_pool_forward_kernel", pool_output(size), is_aligned(x), nullptr, y,
                            AvgPoolOperands<T>{x, size, include_padding ? 1 : 0}, stream);
}

template <typename T>
void avg_pool_backward(const T* dy, T* dx, const PoolSize& size, bool include_padding, cudaStream_t stream) {
  channel_apply<AvgPoolGradient, T>("avg_pool_backward_kernel", pool_input(size), is_aligned(dy), nullptr, dx,
                                    AvgPoolOperands<T>{dy, size, include_padding ? 1 : 0}, stream);
}

#define SENET_INSTANTIATE(T)                                                         \
  template void avg_pool_forward(const T*, T*, const PoolSize&, bool, cudaStream_t); \
  template void avg_pool_backward(const T*, T*, const PoolSize&, bool, cudaStream_t);
SENET_INSTANTIATE(float)
SENET_INSTANTIATE(__half)
SENET_INSTANTIATE(__nv_bfloat16)
#undef SENET_INSTANTIATE

}  // namespace senet::cuda
