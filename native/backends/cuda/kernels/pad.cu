// pad: y = x with zeros around it; negative numbers cut rows or columns off instead. x [N,H,W,C],
// y [N,OH,OW,C] of storage T. A thread takes V channels of positions of y, see channel_apply.cuh.
#include "backends/cuda/kernels/channel_apply.cuh"

namespace senet::cuda {
namespace {

template <typename T>
struct PadOperands {
  const T* x;  // [N,H,W,C]
  PadSize size;
};

template <typename T, int V>
class Pad {
 public:
  __device__ Pad(const PadOperands<T>& o, int64_t channel, int64_t at) : o_(o) {
    image_ = (at - channel) * o.size.rows.input * o.size.columns.input + channel;
  }

  __device__ void operator()(int64_t, int64_t position, float (&values)[V]) const {
    const PadAxis &rows = o_.size.rows, &columns = o_.size.columns;
    const int64_t row = position / columns.output - rows.before,
                  column = position % columns.output - columns.before;
    if (row < 0 || row >= rows.input || column < 0 || column >= columns.input) return;
    load(o_.x + image_ + (row * columns.input + column) * o_.size.channels, values);
  }

 private:
  const PadOperands<T>& o_;
  int64_t image_;
};

}  // namespace

template <typename T>
void pad(const T* x, T* y, const PadSize& size, cudaStream_t stream) {
  const MapSize output = {size.images, size.rows.output * size.columns.output, size.channels};
  channel_apply<Pad, T>("pad_kernel", output, is_aligned(x), nullptr, y, PadOperands<T>{x, size}, stream);
}

template void pad(const float*, float*, const PadSize&, cudaStream_t);
template void pad(const __half*, __half*, const PadSize&, cudaStream_t);
template void pad(const __nv_bfloat16*, __nv_bfloat16*, const PadSize&, cudaStream_t);

}  // namespace senet::cuda
