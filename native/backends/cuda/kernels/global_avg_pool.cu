// global_avg_pool: y [N,C] = the mean of x over positions; its gradient dx = dy / P everywhere. x, dx [N,P,C]
// of storage T, y, dy float. The mean also from sums [N,C].
#include "backends/cuda/kernels/channel_apply.cuh"
#include "backends/cuda/kernels/position_sum.cuh"

namespace senet::cuda {
namespace {

struct Shares {
  const float* dy;  // [N,C]
  float by_positions;
  int32_t unused;
};

template <typename T, int V>
class Share {
 public:
  __device__ Share(const Shares& shares, int64_t, int64_t at) {
    load_floats(shares.dy + at, share_);
#pragma unroll
    for (int i = 0; i < V; ++i) share_[i] *= shares.by_positions;
  }

  __device__ void operator()(int64_t, int64_t, float (&values)[V]) const {
#pragma unroll
    for (int i = 0; i < V; ++i) values[i] = share_[i];
  }

 private:
  float share_[V];
};

// Numbers side by side, as the channels of one position.
MapSize as_row(const MapSize& size) {
  return {1, 1, size.images * size.channels};
}

}  // namespace

size_t global_avg_pool_forward_workspace_bytes(const MapSize& size) {
  return position_sum_workspace_bytes(size);
}

template <typename T>
void global_avg_pool_forward(const T* x, float* y, const MapSize& size, void* workspace,
                             cudaStream_t stream) {
  position_sum<T>("global_avg_pool_forward_kernel", size, MapSource<T>{x}, is_vectorised<T>(size.channels, x),
                  1.0f / static_cast<float>(size.positions), y, workspace, stream);
}

size_t mean_of_sums_workspace_bytes(const MapSize& size) {
  return position_sum_workspace_bytes(as_row(size));
}

void mean_of_sums(const float* sums, float* y, const MapSize& size, void* workspace, cudaStream_t stream) {
  const MapSize row = as_row(size);
  position_sum<float>("mean_of_sums_kernel", row, MapSource<float>{sums},
                      is_vectorised<float>(row.channels, sums), 1.0f / static_cast<float>(size.positions), y,
                      workspace, stream);
}

template <typename T>
void global_avg_pool_backward(const float* dy, T* dx, const MapSize& size, cudaStream_t stream) {
  const Shares shares = {dy, 1.0f / static_cast<float>(size.positions), 0};
  channel_apply<Share, T>("global_avg_pool_backward_kernel", size, is_aligned(dy), nullptr, dx, shares,
                          stream);
}

#define SENET_INSTANTIATE(T)                                                                    \
  template void global_avg_pool_forward(const T*, float*, const MapSize&, void*, cudaStream_t); \
  template void global_avg_pool_backward(const float*, T*, const MapSize&, cudaStream_t);
SENET_INSTANTIATE(float)
SENET_INSTANTIATE(__half)
SENET_INSTANTIATE(__nv_bfloat16)
#undef SENET_INSTANTIATE

}  // namespace senet::cuda
