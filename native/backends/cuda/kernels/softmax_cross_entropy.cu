// softmax_cross_entropy over logits [N,K], p = softmax(logits): loss = mean over n of -sum_k target * log p;
// target = (1 - smoothing) * t + smoothing / K, t one at the class label or the given distribution. Its
// gradient: dlogits = (p * sum_k target - target) / N * dloss. All float. A block per row; the rows' losses
// are added by one block in a fixed order. A label outside the classes gives a loss of NaN and reads nothing.
#include "backends/cuda/kernels/kernels.h"
#include "backends/cuda/kernels/softmax.cuh"
#include "backends/cuda/launch.cuh"

namespace senet::cuda {
namespace {

struct Target {
  const int32_t* classes;      // [N] or null
  const float* distributions;  // [N,K] or null
  float weight, base;          // target = weight * t + base

  __device__ float at(int64_t row, int64_t k, int64_t width) const {
    if (distributions != nullptr) return fmaf(weight, distributions[row * width + k], base);
    return classes[row] == k ? weight + base : base;
  }
};

Target target_of(const Labels& labels, double smoothing, int64_t classes) {
  return {labels.classes, labels.distributions, static_cast<float>(1 - smoothing),
          static_cast<float>(smoothing / static_cast<double>(classes))};
}

// logits, p [N,K]; losses [N].
__global__ void __launch_bounds__(kRowThreads)
    softmax_cross_entropy_forward_kernel(const float* logits, Target target, float* p, float* losses,
                                         int64_t classes) {
  SENET_SHARED(float, shared, kWarp);
  const int64_t row = blockIdx.x;
  const float* x = logits + row * classes;
  const float greatest = row_max(x, classes, shared);
  float total = 0.0f, dot = 0.0f;  // sums of target, and of target * (x - greatest)
  for (int64_t k = threadIdx.x; k < classes; k += kRowThreads) {
    const float t = target.at(row, k, classes);
    total += t;
    // A class without weight adds nothing, even where its logit is -infinity.
    if (t != 0.0f) dot = fmaf(t, x[k] - greatest, dot);
  }
  total = block_combine(total, shared, Sum());
  dot = block_combine(dot, shared, Sum());
  const float sum = row_exp(x, classes, greatest, p + row * classes, shared);
  const float inverse = 1.0f / sum;
  for (int64_t k = threadIdx.x; k < classes; k += kRowThreads) p[row * classes + k] *= inverse;
  if (threadIdx.x != 0) return;
  const bool valid = target.classes == nullptr || (target.classes[row] >= 0 && target.classes[row] < classes);
  losses[row] = valid ? fmaf(total, logf(sum), -dot) : NAN;
}

// losses [rows]; loss [1] = their mean.
__global__ void __launch_bounds__(kRowThreads)
    softmax_cross_entropy_mean_kernel(const float* losses, float* loss, int64_t rows) {
  SENET_SHARED(float, shared, kWarp);
  float sum = 0.0f;
  for (int64_t row = threadIdx.x; row < rows; row += kRowThreads) sum += losses[row];
  sum = block_combine(sum, shared, Sum());
  if (threadIdx.x == 0) *loss = sum / static_cast<float>(rows);
}

// p, dlogits [N,K], dloss [1].
__global__ void __launch_bounds__(kRowThreads)
    softmax_cross_entropy_backward_kernel(const float* p, Target target, const float* dloss, float* dlogits,
                                          int64_t rows, int64_t classes) {
  SENET_SHARED(float, shared, kWarp);
  const int64_t row = blockIdx.x;
  float total = 0.0f;
  for (int64_t k = threadIdx.x; k < classes; k += kRowThreads) total += target.at(row, k, classes);
  total = block_combine(total, shared, Sum());
  const float factor = *dloss / static_cast<float>(rows);
  for (int64_t k = threadIdx.x; k < classes; k += kRowThreads) {
    const int64_t i = row * classes + k;
    dlogits[i] = (p[i] * total - target.at(row, k, classes)) * factor;
  }
}

}  // namespace

size_t softmax_cross_entropy_forward_workspace_bytes(int64_t rows) {
  return static_cast<size_t>(rows) * sizeof(float);
}

void softmax_cross_entropy_forward(const float* logits, const Labels& labels, double smoothing, float* loss,
                                   float* probabilities, int64_t rows, int64_t classes, void* workspace,
                                   cudaStream_t stream) {
  auto* losses = static_cast<float*>(workspace);
  launch("softmax_cross_entropy_forward_kernel", softmax_cross_entropy_forward_kernel,
         dim3(static_cast<unsigned>(rows)), dim3(kRowThreads), 0, stream, logits,
         target_of(labels, smoothing, classes), probabilities, losses, classes);
  launch("softmax_cross_entropy_mean_kernel", softmax_cross_entropy_mean_kernel, dim3(1), dim3(kRowThreads),
         0, stream, losses, loss, rows);
}

void softmax_cross_entropy_backward(const float* probabilities, const Labels& labels, double smoothing,
                                    const float* dloss, float* dlogits, int64_t rows, int64_t classes,
                                    cudaStream_t stream) {
  launch("softmax_cross_entropy_backward_kernel", softmax_cross_entropy_backward_kernel,
         dim3(static_cast<unsigned>(rows)), dim3(kRowThreads), 0, stream, probabilities,
         target_of(labels, smoothing, classes), dloss, dlogits, rows, classes);
}

}  // namespace senet::cuda
