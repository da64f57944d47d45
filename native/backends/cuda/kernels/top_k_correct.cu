// top_k_correct: how many rows of logits [N,K] have fewer than k classes whose logit is greater than the
// label's. The label is the class, or the first greatest entry of a distribution [N,K]. Where a NaN is
// compared, the other class counts as greater. check_labels: the first label outside the classes. Float
// logits. One block: a warp takes a row and the block's counts are added; the work is a few thousand numbers.
#include <algorithm>

#include "backends/cuda/device/warp.cuh"
#include "backends/cuda/kernels/kernels.h"
#include "backends/cuda/launch.cuh"

namespace senet::cuda {
namespace {

constexpr int kTopKThreads = 1024;

// The first greatest of t [classes]; all lanes of the warp take part and get it.
__device__ int64_t first_greatest(const float* t, int64_t classes) {
  float best = t[0];
  int32_t place = 0;
  for (int64_t k = threadIdx.x % kWarp; k < classes; k += kWarp) {
    if (!(t[k] > best)) continue;
    best = t[k];
    place = static_cast<int32_t>(k);
  }
#pragma unroll
  for (int step = kWarp / 2; step > 0; step /= 2) {
    const float other = __shfl_xor_sync(kAllLanes, best, step);
    const int32_t other_place = __shfl_xor_sync(kAllLanes, place, step);
    if (other > best || (other == best && other_place < place)) {
      best = other;
      place = other_place;
    }
  }
  return place;
}

// logits [rows, classes], labels [rows] or distributions [rows, classes], count [1].
__global__ void __launch_bounds__(kTopKThreads)
    top_k_correct_kernel(const float* logits, Labels labels, int64_t k, float* count, int64_t rows,
                         int64_t classes) {
  SENET_SHARED(float, shared, kWarp);
  float correct = 0.0f;
  for (int64_t row = threadIdx.x / kWarp; row < rows; row += kTopKThreads / kWarp) {
    const float* x = logits + row * classes;
    const int64_t label = labels.classes != nullptr
                              ? labels.classes[row]
                              : first_greatest(labels.distributions + row * classes, classes);
    const bool valid = label >= 0 && label < classes;
    const float own = valid ? x[label] : 0.0f;
    float above = 0.0f;
    for (int64_t c = threadIdx.x % kWarp; c < classes; c += kWarp)
      above += c != label && !(x[c] <= own) ? 1.0f : 0.0f;
    above = warp_sum(above);
    if (valid && above < static_cast<float>(k)) correct += 1.0f;
  }
  // Each lane of a warp counted its rows.
  correct = block_combine(threadIdx.x % kWarp == 0 ? correct : 0.0f, shared, Sum());
  if (threadIdx.x == 0) *count = correct;
}

// labels [rows], bad [1].
__global__ void __launch_bounds__(kTopKThreads)
    check_labels_kernel(const int32_t* labels, int64_t rows, int64_t classes, int32_t* bad) {
  SENET_SHARED(int32_t, found, kTopKThreads);
  const int thread = static_cast<int>(threadIdx.x);
  constexpr int32_t kNone = INT32_MAX;
  int32_t first = kNone;
  for (int64_t row = thread; row < rows && first == kNone; row += kTopKThreads) {
    if (labels[row] < 0 || labels[row] >= classes) first = static_cast<int32_t>(row);
  }
  found[thread] = first;
  __syncthreads();
  for (int half = kTopKThreads / 2; half > 0; half /= 2) {
    if (thread < half) found[thread] = min(found[thread], found[thread + half]);
    __syncthreads();
  }
  if (thread == 0) *bad = found[0] == kNone ? -1 : found[0];
}

}  // namespace

void top_k_correct(const float* logits, const Labels& labels, int64_t k, float* count, int64_t rows,
                   int64_t classes, cudaStream_t stream) {
  launch("top_k_correct_kernel", top_k_correct_kernel, dim3(1), dim3(kTopKThreads), 0, stream, logits, labels,
         k, count, rows, classes);
}

void check_labels(const int32_t* labels, int64_t rows, int64_t classes, int32_t* bad, cudaStream_t stream) {
  launch("check_labels_kernel", check_labels_kernel, dim3(1), dim3(kTopKThreads), 0, stream, labels, rows,
         classes, bad);
}

}  // namespace senet::cuda
