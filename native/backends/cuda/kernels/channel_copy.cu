// Copies between channel ranges of maps and vectors seen as [rows, C]: concat, channel_slice and its
// gradient, and the padding of channels. Storage T, copied as it is. A thread takes vectors of 16 bytes where
// the ranges allow, else elements; with clear it walks all of y and writes zeros outside the range.
#include "backends/cuda/kernels/elementwise.cuh"

namespace senet::cuda {
namespace {

// x [rows, x_channels], y [rows, y_channels], counted in elements of Part: T, or 16 bytes of it.
template <typename Part>
__global__ void __launch_bounds__(kElementwiseThreads)
    channel_copy_kernel(ChannelCopy copy, const Part* x, Part* y) {
  const int64_t begin = copy.clear != 0 ? 0 : copy.to, width = copy.clear != 0 ? copy.y_channels : copy.count;
  const int64_t step = int64_t{gridDim.x} * blockDim.x;
  for (int64_t i = int64_t{blockIdx.x} * blockDim.x + threadIdx.x; i < copy.rows * width; i += step) {
    const int64_t row = i / width, c = begin + i % width;
    const bool inside = c >= copy.to && c < copy.to + copy.count;
    Part part = {};
    if (inside) part = x[row * copy.x_channels + copy.from + c - copy.to];
    y[row * copy.y_channels + c] = part;
  }
}

template <typename Part>
void launch_copy(const ChannelCopy& copy, const void* x, void* y, cudaStream_t stream) {
  const int64_t items = copy.rows * (copy.clear != 0 ? copy.y_channels : copy.count);
  launch("channel_copy_kernel", channel_copy_kernel<Part>, elementwise_grid(items), dim3(kElementwiseThreads),
         0, stream, copy, static_cast<const Part*>(x), static_cast<Part*>(y));
}

}  // namespace

template <typename T>
void copy_channels(const T* x, T* y, const ChannelCopy& copy, cudaStream_t stream) {
  constexpr int64_t V = kVectorWidth<T>;
  const bool vectors = is_aligned(x, y) && copy.x_channels % V == 0 && copy.y_channels % V == 0 &&
                       copy.from % V == 0 && copy.to % V == 0 && copy.count % V == 0;
  if (vectors) {
    launch_copy<uint4>({copy.rows, copy.x_channels / V, copy.y_channels / V, copy.from / V, copy.to / V,
                        copy.count / V, copy.clear},
                       x, y, stream);
  } else {
    launch_copy<T>(copy, x, y, stream);
  }
}

template <typename T>
void concat(const T* const* xs, const int64_t* channels, int inputs, T* y, int64_t rows,
            cudaStream_t stream) {
  int64_t total = 0;
  for (int i = 0; i < inputs; ++i) total += channels[i];
  int64_t to = 0;
  for (int i = 0; i < inputs; ++i) {
    copy_channels(xs[i], y, {rows, channels[i], total, 0, to, channels[i], 0}, stream);
    to += channels[i];
  }
}

template <typename T>
void channel_slice_forward(const T* x, T* y, int64_t rows, int64_t channels, int64_t start, int64_t end,
                           cudaStream_t stream) {
  copy_channels(x, y, {rows, channels, end - start, start, 0, end - start, 0}, stream);
}

template <typename T>
void channel_slice_backward(const T* dy, T* dx, int64_t rows, int64_t channels, int64_t start, int64_t end,
                            cudaStream_t stream) {
  copy_channels(dy, dx, {rows, end - start, channels, 0, start, end - start, 1}, stream);
}

#define SENET_INSTANTIATE(T)                                                                           \
  template void copy_channels(const T*, T*, const ChannelCopy&, cudaStream_t);                         \
  template void concat(const T* const*, const int64_t*, int, T*, int64_t, cudaStream_t);               \
  template void channel_slice_forward(const T*, T*, int64_t, int64_t, int64_t, int64_t, cudaStream_t); \
  template void channel_slice_backward(const T*, T*, int64_t, int64_t, int64_t, int64_t, cudaStream_t);
SENET_INSTANTIATE(float)
SENET_INSTANTIATE(__half)
SENET_INSTANTIATE(__nv_bfloat16)
#undef SENET_INSTANTIATE

}  // namespace senet::cuda
