// Pass 1 of norm_tail's forward pass: statistics of a map in one read, and what follows from them.
//
//   m_nc = mean over positions of x        M2_nc = sum over positions of (x - m_nc)^2
//   mean_c, variance_c (biased) over all images, by merging (count, mean, M2)
//   q_nc = gamma*rstd*(m_nc - mean_c) + beta_c = mean over positions of batch_norm(x)
//
// x [N,P,C] of storage T; all else float. A thread of the first kernel keeps V channels and takes up to 32
// positions as deviations from the first of them: s1 = sum d, s2 = sum d^2, M2 = s2 - s1^2/n. The shift is
// one of the n values, so s1^2/n <= n*M2 and the subtraction loses at most a factor n of precision.
// Everything after that is merges. In the second kernel a block takes 8 channels and its 32 rows of threads
// the partial moments, then the images.
#include "backends/cuda/device/moments.cuh"
#include "backends/cuda/kernels/norm_tail.cuh"
#include "backends/cuda/launch.cuh"

namespace senet::cuda {
namespace {

constexpr int kMergeChannels = 8, kMergeRows = 32;

// values: count, V means, V m2, all of as many positions.
struct MergeMoments {
  template <int kValues>
  __device__ void operator()(float (&mine)[kValues], const float (&other)[kValues]) const {
    constexpr int V = kValues / 2;
    Moments merged = {mine[0], 0.0f, 0.0f};
#pragma unroll
    for (int i = 1; i <= V; ++i) {
      merged = merge_moments({mine[0], mine[i], mine[V + i]}, {other[0], other[i], other[V + i]});
      mine[i] = merged.mean;
      mine[V + i] = merged.m2;
    }
    mine[0] = merged.count;
  }
};

// Moments of the positions first, first + rows, ... below last.
template <typename T, int V>
__device__ void thread_moments(const MapSweep& sweep, const SweepThread& at, const T* x,
                               float (&values)[2 * V + 1]) {
  float shift[V] = {}, sum[V] = {}, squares[V] = {};
  float count = 0.0f;
  if (at.first() < at.last()) load(x + at.element(sweep, at.first()), shift);
#pragma unroll 4
  for (int64_t position = at.first(); position < at.last(); position += sweep.rows) {
    float here[V];
    load(x + at.element(sweep, position), here);
    count += 1.0f;
#pragma unroll
    for (int i = 0; i < V; ++i) {
      const float d = here[i] - shift[i];
      sum[i] += d;
      squares[i] += d * d;
    }
  }
  const float inverse = count > 0.0f ? 1.0f / count : 0.0f;
  values[0] = count;
#pragma unroll
  for (int i = 0; i < V; ++i) {
    const float step = sum[i] * inverse;
    values[1 + i] = shift[i] + step;
    const float m2 = squares[i] - sum[i] * step;
    values[1 + V + i] = m2 < 0.0f ? 0.0f : m2;  // a NaN stays
  }
}

// x [N,P,C]; means, squares [images, segments, C] of the sweep: mean and M2 of each segment.
template <typename T, int V>
__global__ void __launch_bounds__(kSweepThreads)
    norm_tail_statistics_kernel(MapSweep sweep, const T* x, float* means, float* squares) {
  constexpr int kValues = 2 * V + 1;
  SENET_SHARED(float, shared, kSweepThreads / 2 * kValues);
  const SweepThread at = sweep_thread<V>(sweep);
  float values[kValues];
  thread_moments<T, V>(sweep, at, x, values);
  combine_rows(values, shared, MergeMoments());
  if (at.row != 0 || !at.inside) return;
  float mean[V], m2[V];
#pragma unroll
  for (int i = 0; i < V; ++i) {
    mean[i] = values[1 + i];
    m2[i] = values[1 + V + i];
  }
  store_floats(means + at.partial, mean);
  store_floats(squares + at.partial, m2);
}

struct MergeOperands {
  // [images, segments, C]: mean and M2 of each segment; with a shift, sums of x - shift and of its square.
  const float* means;
  const float* squares;
  const float* shift;             // [C] or null
  const float* gamma;             // [C]; this and the next with excitation
  const float* beta;              // [C]
  const float* running_mean;      // [C]; these two without training
  const float* running_variance;  // [C]
  float* mean;                    // [C]; these two in training, else null
  float* variance;                // [C]
  float* sample_mean;             // [images, C]; these two with excitation, else null
  float* q;                       // [images, C]
  float eps;
  int32_t unused;
};

__device__ float positions_in(const MapSweep& sweep, int64_t segment) {
  const int64_t left = sweep.positions - segment * sweep.segment_positions;
  return static_cast<float>(left < sweep.segment_positions ? left : sweep.segment_positions);
}

// The moments of `count` positions at index i of the partial ones, of channel c.
__device__ Moments partial_moments(const MergeOperands& o, float count, int64_t i, int64_t c) {
  const float mean = o.means[i], m2 = o.squares[i];
  if (o.shift == nullptr) return {count, mean, m2};
  const float step = mean / count, left = m2 - mean * step;
  return {count, o.shift[c] + step, left < 0.0f ? 0.0f : left};  // a NaN stays
}

// The moments of channel c from its partial ones; each thread gets them.
__device__ Moments merge_partials(const MapSweep& sweep, const MergeOperands& o, int64_t c, float* shared) {
  float values[3] = {};
  if (c < sweep.channels) {
    const int64_t partials = sweep.images * sweep.segments;
    Moments sum = {};
#pragma unroll 4
    for (int64_t i = threadIdx.y; i < partials; i += kMergeRows) {
      const float count = positions_in(sweep, i % sweep.segments);
      sum = merge_moments(sum, partial_moments(o, count, i * sweep.channels + c, c));
    }
    values[0] = sum.count;
    values[1] = sum.mean;
    values[2] = sum.m2;
  }
  combine_rows(values, shared, MergeMoments());
  if (threadIdx.y == 0) {
#pragma unroll
    for (int i = 0; i < 3; ++i) shared[threadIdx.x * 3 + i] = values[i];
  }
  __syncthreads();
  const float* merged = shared + threadIdx.x * 3;
  return {merged[0], merged[1], merged[2]};
}

__global__ void __launch_bounds__(kMergeChannels* kMergeRows)
    norm_tail_merge_kernel(MapSweep sweep, MergeOperands o) {
  SENET_SHARED(float, shared, kSweepThreads / 2 * 3);
  const int64_t c = int64_t{blockIdx.x} * kMergeChannels + threadIdx.x;
  const bool inside = c < sweep.channels;
  float mean = 0.0f, variance = 0.0f;
  if (o.mean != nullptr) {
    const Moments all = merge_partials(sweep, o, c, shared);
    mean = all.mean;
    variance = all.m2 / all.count;
    if (inside && threadIdx.y == 0) {
      o.mean[c] = mean;
      o.variance[c] = variance;
    }
  } else if (inside) {
    mean = o.running_mean[c];
    variance = o.running_variance[c];
  }
  if (o.q == nullptr || !inside) return;
  const float scale = o.gamma[c] * norm_rstd(variance, o.eps);
  const float inverse = 1.0f / static_cast<float>(sweep.positions);
  for (int64_t n = threadIdx.y; n < sweep.images; n += kMergeRows) {
    float sum = 0.0f;
    for (int64_t segment = 0; segment < sweep.segments; ++segment) {
      const float count = positions_in(sweep, segment);
      const float m = partial_moments(o, count, (n * sweep.segments + segment) * sweep.channels + c, c).mean;
      sum += sweep.segments == 1 ? m : m * (count * inverse);
    }
    o.sample_mean[n * sweep.channels + c] = sum;
    o.q[n * sweep.channels + c] = fmaf(scale, sum - mean, o.beta[c]);
  }
}

// One segment an image, as a convolution sums.
MapSweep whole_images(const MapSize& size) {
  MapSweep sweep = {};
  sweep.images = size.images;
  sweep.positions = sweep.segment_positions = size.positions;
  sweep.channels = size.channels;
  sweep.segments = 1;
  return sweep;
}

}  // namespace

template <typename T>
void norm_tail_statistics(const TailKind& kind, const T* x, const TailStatistics& statistics, float* partials,
                          cudaStream_t stream) {
  const bool vectors = is_vectorised<T>(kind.size.channels, x);
  MapSweep sweep = tail_sweep(kind, vectors ? kVectorWidth<T> : 1);
  MergeOperands o = {};
  if (statistics.sums.deviations != nullptr) {
    sweep = whole_images(kind.size);
    o.means = statistics.sums.deviations;
    o.squares = statistics.sums.squares;
    o.shift = statistics.norm.mean;
  } else {
    float* means = partials;
    float* squares = partials + (sweep.partials() + 15) / 16 * 16;
    launch("norm_tail_statistics_kernel",
           vectors ? norm_tail_statistics_kernel<T, kVectorWidth<T>> : norm_tail_statistics_kernel<T, 1>,
           sweep.grid(), sweep.block(), 0, stream, sweep, x, means, squares);
    o.means = means;
    o.squares = squares;
  }
  o.gamma = statistics.norm.gamma;
  o.beta = statistics.norm.beta;
  o.running_mean = statistics.norm.mean;
  o.running_variance = statistics.norm.variance;
  if (statistics.training) {
    o.mean = statistics.mean;
    o.variance = statistics.variance;
  }
  o.sample_mean = statistics.sample_mean;
  o.q = statistics.q;
  o.eps = static_cast<float>(statistics.eps);
  const dim3 grid(static_cast<unsigned>((kind.size.channels + kMergeChannels - 1) / kMergeChannels));
  launch("norm_tail_merge_kernel", norm_tail_merge_kernel, grid, dim3(kMergeChannels, kMergeRows), 0, stream,
         sweep, o);
}

template void norm_tail_statistics(const TailKind&, const float*, const TailStatistics&, float*,
                                   cudaStream_t);
template void norm_tail_statistics(const TailKind&, const __half*, const TailStatistics&, float*,
                                   cudaStream_t);
template void norm_tail_statistics(const TailKind&, const __nv_bfloat16*, const TailStatistics&, float*,
                                   cudaStream_t);

}  // namespace senet::cuda
