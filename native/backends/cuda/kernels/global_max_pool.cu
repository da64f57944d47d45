// global_max_pool: y [N,C] = the greatest x over positions, a NaN counting as greatest; index = its first
// position, of several NaNs the last. The gradient gives dy to that position. x, dx [N,P,C] of storage T, y,
// dy float, index i32. A block takes a tile of channels over all positions of an image; its rows of threads
// are merged in a fixed order.
#include <cmath>

#include "backends/cuda/kernels/channel_apply.cuh"

namespace senet::cuda {
namespace {

// Whether value at position beats best at place, which may be no position, -1.
__device__ inline bool beats(float value, int32_t position, float best, int32_t place) {
  if (position < 0 || place < 0) return position >= 0;
  if (value != value) return best == best || position > place;
  return value > best || (value == best && position < place);
}

// values: V maxima, then the bits of their positions.
struct TakeGreater {
  template <int kValues>
  __device__ void operator()(float (&mine)[kValues], const float (&other)[kValues]) const {
    constexpr int V = kValues / 2;
#pragma unroll
    for (int i = 0; i < V; ++i) {
      if (!beats(other[i], __float_as_int(other[V + i]), mine[i], __float_as_int(mine[V + i]))) continue;
      mine[i] = other[i];
      mine[V + i] = other[V + i];
    }
  }
};

// x [N,P,C], y, index [N,C]; index may be null.
template <typename T, int V>
__global__ void __launch_bounds__(kSweepThreads)
    global_max_pool_forward_kernel(MapSweep sweep, const T* x, float* y, int32_t* index) {
  SENET_SHARED(float, shared, kSweepThreads / 2 * 2 * V);
  const SweepThread at = sweep_thread<V>(sweep);
  float values[2 * V];
#pragma unroll
  for (int i = 0; i < V; ++i) {
    values[i] = -INFINITY;
    values[V + i] = __int_as_float(-1);
  }
  for (int64_t position = at.first(); position < at.last(); position += sweep.rows) {
    float here[V];
    load(x + at.element(sweep, position), here);
    const auto place = static_cast<int32_t>(position);
#pragma unroll
    for (int i = 0; i < V; ++i) {
      if (!beats(here[i], place, values[i], __float_as_int(values[V + i]))) continue;
      values[i] = here[i];
      values[V + i] = __int_as_float(place);
    }
  }
  combine_rows(values, shared, TakeGreater());
  if (at.row != 0 || !at.inside) return;
#pragma unroll
  for (int i = 0; i < V; ++i) {
    y[at.partial + i] = values[i];
    if (index != nullptr) index[at.partial + i] = __float_as_int(values[V + i]);
  }
}

struct Chosen {
  const float* dy;       // [N,C]
  const int32_t* index;  // [N,C]
};

template <typename T, int V>
class Choose {
 public:
  __device__ Choose(const Chosen& chosen, int64_t, int64_t at) {
    load_floats(chosen.dy + at, dy_);
#pragma unroll
    for (int i = 0; i < V; ++i) place_[i] = chosen.index[at + i];
  }

  __device__ void operator()(int64_t, int64_t position, float (&values)[V]) const {
#pragma unroll
    for (int i = 0; i < V; ++i) values[i] = place_[i] == position ? dy_[i] : 0.0f;
  }

 private:
  float dy_[V];
  int32_t place_[V];
};

}  // namespace

template <typename T>
void global_max_pool_forward(const T* x, float* y, int32_t* index, const MapSize& size, cudaStream_t stream) {
  const bool vectors = is_vectorised<T>(size.channels, x);
  MapSweep sweep = make_sweep(size.images, size.positions, size.channels, vectors ? kVectorWidth<T> : 1);
  sweep.segments = 1;
  sweep.segment_positions = size.positions;
  launch("global_max_pool_forward_kernel",
         vectors ? global_max_pool_forward_kernel<T, kVectorWidth<T>> : global_max_pool_forward_kernel<T, 1>,
         sweep.grid(), sweep.block(), 0, stream, sweep, x, y, index);
}

template <typename T>
void global_max_pool_backward(const float* dy, const int32_t* index, T* dx, const MapSize& size,
                              cudaStream_t stream) {
  channel_apply<Choose, T>("global_max_pool_backward_kernel", size, is_aligned(dy), nullptr, dx,
                           Chosen{dy, index}, stream);
}

#define SENET_INSTANTIATE(T)                                                                       \
  template void global_max_pool_forward(const T*, float*, int32_t*, const MapSize&, cudaStream_t); \
  template void global_max_pool_backward(const float*, const int32_t*, T*, const MapSize&, cudaStream_t);
SENET_INSTANTIATE(float)
SENET_INSTANTIATE(__half)
SENET_INSTANTIATE(__nv_bfloat16)
#undef SENET_INSTANTIATE

}  // namespace senet::cuda
