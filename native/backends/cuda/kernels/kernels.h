// Every launcher of the CUDA backend: the one list of them, which stays whole.
//
// Maps are channels-last, [N, positions, C] with positions = H*W, of storage type T: float, __half or
// __nv_bfloat16. Vectors [N,C], parameters [C], statistics, gates, losses and parameter gradients are float;
// all sums are taken in float. Pointers are to device memory. Sums have a fixed order: equal inputs give
// equal bits.
//
// A launcher queues its kernels on the stream and returns; it throws senet::Error if a launch fails.
// `workspace` is scratch of <launcher>_workspace_bytes(), aligned to 16 bytes, used by the kernels until they
// are done.
#pragma once

#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_runtime_api.h>

#include <cstddef>
#include <cstdint>
#include <utility>

#include "backends/cuda/device/kinds.h"
#include "backends/cuda/storage_type.h"

namespace senet::cuda {

template <typename T>
struct StorageTag {
  using type = T;
};

// function(StorageTag<T>()) with the type of a storage chosen at run time.
template <typename Function>
decltype(auto) with_storage(Storage storage, Function&& function) {
  if (storage == Storage::kFloat16) return std::forward<Function>(function)(StorageTag<__half>());
  if (storage == Storage::kBFloat16) return std::forward<Function>(function)(StorageTag<__nv_bfloat16>());
  return std::forward<Function>(function)(StorageTag<float>());
}

struct MapSize {
  int64_t images, positions, channels;

  int64_t elements() const { return images * positions * channels; }
};

// ---- norm_tail: y = relu?( gate * batch_norm(x) + identity ), explained in norm_tail.cuh
// A batch norm alone is a tail without gate, shortcut and ReLU.

struct ExcitationKind {
  Activation gate = Activation::kSigmoid;  // one whose slope follows from its value
  Activation hidden = Activation::kRelu;   // or kSilu
};

struct TailKind {
  MapSize size;
  Shortcut shortcut = Shortcut::kNone;
  bool relu = false;
  bool training = false;  // batch statistics; otherwise the running ones, which are constants
  double eps = 0;
  double eps2 = 0;       // of the projected shortcut's norm
  int64_t squeezed = 0;  // R; 0 without squeeze-and-excitation
  ExcitationKind gates = {};
};

// One batch norm's parameters, each [C]. mean and variance are the running ones, or in a gradient those the
// forward pass used.
struct NormParameters {
  const float* gamma = nullptr;
  const float* beta = nullptr;
  const float* mean = nullptr;
  const float* variance = nullptr;
};

// What a convolution has summed along per image and channel, over the positions of what it wrote; null where it has
// not. The shift of each channel is the norm's running mean.
struct ShiftedSums {
  const float* deviations = nullptr;  // [N,C]; sum of x - shift
  const float* squares = nullptr;     // [N,C]; sum of (x - shift)^2
};

struct ExcitationWeights {
  const float* w1 = nullptr;  // [R,Q], Q = C in a tail
  const float* b1 = nullptr;  // [R] or null
  const float* w2 = nullptr;  // [C,R]
  const float* b2 = nullptr;  // [C] or null
};

// What the gradient of an excitation gives out; each may be null.
struct ExcitationGradients {
  float* dw1 = nullptr;  // [R,Q]
  float* db1 = nullptr;  // [R]
  float* dw2 = nullptr;  // [C,R]
  float* db2 = nullptr;  // [C]
  float* dq = nullptr;   // [N,Q]
};

// Operands the kind lacks, and outputs nobody wants, are null.
template <typename T>
struct TailForward {
  const T* x = nullptr;         // map
  NormParameters norm;          // in training mean is used as the shift of sums only, variance not at all
  ShiftedSums sums;             // of x, in training; without them they are taken in a pass over x
  const T* identity = nullptr;  // map
  NormParameters norm2;
  ShiftedSums sums2;  // of identity, for a projected shortcut
  ExcitationWeights weights;
  T* y = nullptr;                // map; may be x or identity
  float* mean = nullptr;         // [C]; these four in training
  float* variance = nullptr;     // [C], biased
  float* mean2 = nullptr;        // [C]
  float* variance2 = nullptr;    // [C]
  float* sample_mean = nullptr;  // [N,C]; mean of x per image
  float* hidden = nullptr;       // [N,R]
  float* gate = nullptr;         // [N,C]
  uint8_t* mask = nullptr;       // [ceil(elements/8)], bit e%8 of byte e/8: element e of y is positive
};

template <typename T>
struct TailBackward {
  const T* dy = nullptr;        // map
  const T* dy_extra = nullptr;  // map to be added to dy, or null
  const T* x = nullptr;         // map
  NormParameters norm;          // beta only for a gate or a ReLU without shortcut
  const T* identity = nullptr;  // map; for a projected shortcut
  NormParameters norm2;         // beta not used
  const float* w1 = nullptr;
  const float* w2 = nullptr;
  const float* sample_mean = nullptr;  // [N,C]
  const float* hidden = nullptr;       // [N,R]
  const float* gate = nullptr;         // [N,C]
  const uint8_t* mask = nullptr;
  T* dx = nullptr;          // map; may be x, dy or dy_extra unless didentity is the same
  float* dgamma = nullptr;  // [C], as the next three
  float* dbeta = nullptr;
  float* dgamma2 = nullptr;
  float* dbeta2 = nullptr;
  T* didentity = nullptr;       // map; may be dy or dy_extra, and identity
  ExcitationGradients weights;  // without dq
};

size_t norm_tail_forward_workspace_bytes(const TailKind& kind);
template <typename T>
void norm_tail_forward(const TailKind& kind, const TailForward<T>& operands, void* workspace,
                       cudaStream_t stream);

size_t norm_tail_backward_workspace_bytes(const TailKind& kind);
template <typename T>
void norm_tail_backward(const TailKind& kind, const TailBackward<T>& operands, void* workspace,
                        cudaStream_t stream);

// ---- norm_activation: y = gate * act(batch_norm(x)), explained in norm_activation.cuh

struct NormActivationKind {
  MapSize size;
  Activation activation = Activation::kRelu;
  bool training = false;  // batch statistics; otherwise the running ones, which are constants
  double eps = 0;
  int64_t squeezed = 0;  // R; 0 without squeeze-and-excitation
  ExcitationKind gates = {};
};

// Operands the kind lacks, and outputs nobody wants, are null.
template <typename T>
struct NormActivationForward {
  const T* x = nullptr;  // map
  NormParameters norm;   // as in TailForward
  ShiftedSums sums;      // likewise
  ExcitationWeights weights;
  T* y = nullptr;             // map; may be x
  float* mean = nullptr;      // [C]; these two in training
  float* variance = nullptr;  // [C], biased
  float* squeeze = nullptr;   // [N,C]; mean over positions of act(batch_norm(x))
  float* hidden = nullptr;    // [N,R]
  float* gate = nullptr;      // [N,C]
  float* slopes = nullptr;    // [N,C]; sums over positions of act' and of act' * (x - mean): both or none
  float* slopes_x = nullptr;  // [N,C]
};

template <typename T>
struct NormActivationBackward {
  const T* dy = nullptr;        // map
  const T* dy_extra = nullptr;  // map to be added to dy, or null
  const T* x = nullptr;         // map
  NormParameters norm;
  const float* w1 = nullptr;
  const float* w2 = nullptr;
  const float* squeeze = nullptr;   // [N,C]; these as the forward pass gave them out
  const float* hidden = nullptr;    // [N,R]
  const float* gate = nullptr;      // [N,C]
  const float* slopes = nullptr;    // [N,C]
  const float* slopes_x = nullptr;  // [N,C]
  T* dx = nullptr;                  // map; may be x, dy or dy_extra
  float* dgamma = nullptr;          // [C]
  float* dbeta = nullptr;           // [C]
  ExcitationGradients weights;      // without dq
};

size_t norm_activation_forward_workspace_bytes(const NormActivationKind& kind);
template <typename T>
void norm_activation_forward(const NormActivationKind& kind, const NormActivationForward<T>& operands,
                             void* workspace, cudaStream_t stream);

size_t norm_activation_backward_workspace_bytes(const NormActivationKind& kind);
template <typename T>
void norm_activation_backward(const NormActivationKind& kind, const NormActivationBackward<T>& operands,
                              void* workspace, cudaStream_t stream);

// ---- excite: s = gate(W2 act(v) + b2), v = W1 q + b1

struct ExcitationSize {
  int64_t images, channels, squeezed;
  int64_t inputs;  // Q, the width of q
};

// q [N,Q], s [N,C]; hidden [N,R] gets v, null if nobody wants it.
size_t excite_forward_workspace_bytes(const ExcitationSize& size);
void excite_forward(const ExcitationSize& size, const ExcitationKind& kind, const float* q,
                    const ExcitationWeights& weights, float* hidden, float* s, void* workspace,
                    cudaStream_t stream);
// ds, s [N,C], q [N,Q], hidden [N,R] as the forward pass gave it, w1 [R,Q], w2 [C,R].
size_t excite_backward_workspace_bytes(const ExcitationSize& size);
void excite_backward(const ExcitationSize& size, const ExcitationKind& kind, const float* ds, const float* q,
                     const float* hidden, const float* s, const float* w1, const float* w2,
                     const ExcitationGradients& gradients, void* workspace, cudaStream_t stream);

// ---- elementwise
// Arrays of
// `count` elements; outputs may be one of the inputs.

template <typename T>
void add(const T* a, const T* b, T* y, int64_t count, cudaStream_t stream);
template <typename T>
void multiply(const T* a, const T* b, T* y, int64_t count, cudaStream_t stream);
template <typename T>
void activation_forward(Activation kind, const T* x, T* y, int64_t count, cudaStream_t stream);
// From the forward pass's y, or its x if the kind needs_argument.
template <typename T>
void activation_backward(Activation kind, const T* dy, const T* saved, T* dx, int64_t count,
                         cudaStream_t stream);
template <typename T>
void fill(T* y, float value, int64_t count, cudaStream_t stream);
// Its own gradient. key: two words. The elements are parts of `size` that are kept or dropped together: part
// i is kept where word i%4 of Philox counter i/4, times 2^-32, is >= rate.
template <typename T>
void dropout(const T* x, const int32_t* key, double rate, uint32_t stream_id, T* y, int64_t count,
             int64_t size, cudaStream_t stream);
// y = factor * x.
template <typename T>
void scale(const T* x, float factor, T* y, int64_t count, cudaStream_t stream);
// a, b, y, dy, da, db [images, size]. y = s * a + (1 - s) * b, da = t * dy, db = (1 - t) * dy; s and t of image
// n are word n%4 of Philox counter n/4, times 2^-32. Without a key t is 1/2.
template <typename T>
void shake_forward(const T* a, const T* b, const int32_t* key, uint32_t stream_id, T* y, int64_t images,
                   int64_t size, cudaStream_t stream);
template <typename T>
void shake_backward(const T* dy, const int32_t* key, uint32_t stream_id, T* da, T* db, int64_t images,
                    int64_t size, cudaStream_t stream);

// ---- maps and their channels

// y = x * s, s [N,C]. y may be x.
template <typename T>
void multiply_channels(const T* x, const float* s, T* y, const MapSize& size, cudaStream_t stream);
// y [N,C] = sum over positions of a * b.
size_t multiply_reduce_workspace_bytes(const MapSize& size);
template <typename T>
void multiply_reduce(const T* a, const T* b, float* y, const MapSize& size, void* workspace,
                     cudaStream_t stream);

// y [N,C] = mean over positions; the gradient dx = dy / positions.
size_t global_avg_pool_forward_workspace_bytes(const MapSize& size);
template <typename T>
void global_avg_pool_forward(const T* x, float* y, const MapSize& size, void* workspace, cudaStream_t stream);
// The means from the sums over positions [N,C].
size_t mean_of_sums_workspace_bytes(const MapSize& size);
void mean_of_sums(const float* sums, float* y, const MapSize& size, void* workspace, cudaStream_t stream);
template <typename T>
void global_avg_pool_backward(const float* dy, T* dx, const MapSize& size, cudaStream_t stream);

// y [N,C] = greatest over positions, a NaN counting as greatest; index [N,C] or null: its first position.
template <typename T>
void global_max_pool_forward(const T* x, float* y, int32_t* index, const MapSize& size, cudaStream_t stream);
template <typename T>
void global_max_pool_backward(const float* dy, const int32_t* index, T* dx, const MapSize& size,
                              cudaStream_t stream);

// y = relu?( x + bias ), bias [C]. y may be x.
template <typename T>
void bias_forward(const T* x, const float* bias, bool relu, T* y, const MapSize& size, cudaStream_t stream);
// dbias [C] = sum over images and positions of dy.
size_t bias_backward_workspace_bytes(const MapSize& size);
template <typename T>
void bias_backward(const T* dy, float* dbias, const MapSize& size, void* workspace, cudaStream_t stream);

// What follows a convolution: y = relu?( gate * (x + bias) + residual ). bias [C], gate [N,C], residual: map;
// each may be null. y may be x or residual.
template <typename T>
void conv2d_epilogue(const T* x, const float* bias, const float* gate, const T* residual, bool relu, T* y,
                     const MapSize& size, cudaStream_t stream);

// Channels [from, from + count) of x [rows, x_channels] to channels [to, to + count) of y [rows, y_channels].
// With clear, the other channels of y become zero.
struct ChannelCopy {
  int64_t rows, x_channels, y_channels, from, to, count;
  int64_t clear;  // 0 or 1
};
template <typename T>
void copy_channels(const T* x, T* y, const ChannelCopy& copy, cudaStream_t stream);
// y [rows, sum of channels] = xs side by side; xs[i] is [rows, channels[i]]. Host arrays of `inputs` entries.
template <typename T>
void concat(const T* const* xs, const int64_t* channels, int inputs, T* y, int64_t rows, cudaStream_t stream);
// y [rows, end - start] from x [rows, channels], and its gradient.
template <typename T>
void channel_slice_forward(const T* x, T* y, int64_t rows, int64_t channels, int64_t start, int64_t end,
                           cudaStream_t stream);
template <typename T>
void channel_slice_backward(const T* dy, T* dx, int64_t rows, int64_t channels, int64_t start, int64_t end,
                            cudaStream_t stream);
// y[i * groups + j] = x[j * (C / groups) + i] in each row of [rows, C].
template <typename T>
void channel_shuffle(const T* x, T* y, int64_t rows, int64_t channels, int64_t groups, cudaStream_t stream);

// Along one side: y[i] = x[i - before] where there is such an x, else 0.
struct PadAxis {
  int64_t input, output, before;
};
struct PadSize {
  int64_t images, channels;
  PadAxis rows, columns;
};
// x [N,H,W,C] to y [N,OH,OW,C].
template <typename T>
void pad(const T* x, T* y, const PadSize& size, cudaStream_t stream);

// y [N, C*positions] float in the order C, H, W; back.
template <typename T>
void flatten(const T* x, float* y, const MapSize& size, cudaStream_t stream);
template <typename T>
void unflatten(const float* dy, T* dx, const MapSize& size, cudaStream_t stream);

// ---- pooling

// Along one side. A window may run over the padding's end when sizes are rounded up. The positions of an image are
// fewer than 2^31.
struct PoolAxis {
  int32_t input, output, kernel, stride, before, after;
};
struct PoolSize {
  int64_t images, channels;
  PoolAxis rows, columns;
};

// x [N,H,W,C], y [N,OH,OW,C], index like y or null: place of the first greatest in the window, row * kernel
// width + column. A NaN counts as greatest, padding as nothing.
template <typename T>
void max_pool_forward(const T* x, T* y, uint8_t* index, const PoolSize& size, cudaStream_t stream);
template <typename T>
void max_pool_backward(const T* dy, const uint8_t* index, T* dx, const PoolSize& size, cudaStream_t stream);
// The divisor counts the window's cells in the input, with include_padding also those in its padding.
template <typename T>
void avg_pool_forward(const T* x, T* y, const PoolSize& size, bool include_padding, cudaStream_t stream);
template <typename T>
void avg_pool_backward(const T* dy, T* dx, const PoolSize& size, bool include_padding, cudaStream_t stream);

// ---- classification

// Labels: class indices [N], or distributions [N,K]; one of the two is null.
struct Labels {
  const int32_t* classes = nullptr;
  const float* distributions = nullptr;
};

// y [N,K] = softmax of each row of x; y may be x.
void softmax(const float* x, float* y, int64_t rows, int64_t classes, cudaStream_t stream);
// loss [1], probabilities [N,K] may be logits. A label outside the classes gives a loss of NaN; see
// check_labels.
size_t softmax_cross_entropy_forward_workspace_bytes(int64_t rows);
void softmax_cross_entropy_forward(const float* logits, const Labels& labels, double smoothing, float* loss,
                                   float* probabilities, int64_t rows, int64_t classes, void* workspace,
                                   cudaStream_t stream);
// dloss [1]; dlogits [N,K] may be probabilities.
void softmax_cross_entropy_backward(const float* probabilities, const Labels& labels, double smoothing,
                                    const float* dloss, float* dlogits, int64_t rows, int64_t classes,
                                    cudaStream_t stream);
// count [1]: rows with fewer than k classes above the label's. A NaN in a comparison counts as above.
void top_k_correct(const float* logits, const Labels& labels, int64_t k, float* count, int64_t rows,
                   int64_t classes, cudaStream_t stream);
// bad [1]: the first sample whose label is outside [0, classes), or -1.
void check_labels(const int32_t* labels, int64_t rows, int64_t classes, int32_t* bad, cudaStream_t stream);

// ---- over many tensors
// `tensors`: an array of `count` descriptors in device memory; `largest`: most elements of one of them.

// Dynamic loss scaling: gradients are of the loss times 2^(16 + exponent). Starts as zeros. Two numbers, as it is a
// state of the graph.
struct LossScale {
  float exponent;
  float good_steps;  // since the scale last changed
};
// scale [1] and its inverse unscale [1].
void loss_scale(const LossScale* state, float* scale, float* unscale, cudaStream_t stream);
// Halves the scale if overflow [1] is not 0, and sets failed [1] so that nothing is updated; doubles it after 2,000 good
// steps. Does nothing if failed is set already. hopeless [1] is set when an overflow meets the smallest scale, 1.
void loss_scale_update(LossScale* state, const int32_t* overflow, int32_t* failed, int32_t* hopeless,
                       cudaStream_t stream);

struct SgdTensor {
  float* parameter;
  const float* gradient;
  float* velocity;  // null without momentum
  int64_t elements;
  float decay;
  float rate;  // of lr
};
// By PyTorch's rule: g += decay * p; v = momentum * v + g; p -= rate * lr * (nesterov ? g + momentum * v : v). lr
// [1]. momentum [1], or null where tensors have no velocity. factor [1] or null: gradients are multiplied by
// it first. failed [1] or null: nothing happens if it is not 0.
void sgd(const SgdTensor* tensors, int count, int64_t largest, bool nesterov, const float* lr,
         const float* momentum, const float* factor, const int32_t* failed, cudaStream_t stream);

struct AdamwTensor {
  float* parameter;
  const float* gradient;
  float* mean;    // running mean of gradients
  float* square;  // running mean of their squares
  int64_t elements;
  float decay;
  float rate;       // of lr
  int32_t aligned;  // whether all four start at multiples of 16 bytes
  int32_t unused;
};
struct AdamwRule {
  double beta1, beta2, epsilon;
};
// By PyTorch's rule, see adamw.cu. lr, updates [1]: the updates done before, one more afterwards. factor [1] or null:
// gradients are multiplied by it first. failed [1] or null: nothing happens if it is not 0.
inline constexpr size_t kAdamwWorkspaceBytes = 2 * sizeof(float);
void adamw(const AdamwTensor* tensors, int count, int64_t largest, const AdamwRule& rule, const float* lr,
           float* updates, const float* factor, const int32_t* failed, void* workspace, cudaStream_t stream);

struct NormTensor {
  const float* values;
  int64_t elements;
  int32_t aligned;  // whether it starts at a multiple of 16 bytes
  int32_t unused;
};
// norm [1]: scale * the Euclidean norm of all elements; factor [1]: scale * min(1, limit / (norm + 1e-6)). scale [1], or
// null for 1.
size_t clip_factor_workspace_bytes(int count, int64_t largest);
void clip_factor(const NormTensor* tensors, int count, int64_t largest, double limit, const float* scale,
                 float* factor, float* norm, void* workspace, cudaStream_t stream);

struct RunningTensor {
  float* running;
  const float* batch;
  int64_t elements;
  float weight;  // momentum, for a variance times M / (M - 1)
  int32_t unused;
};
// running = (1 - momentum) * running + weight * batch. failed [1] or null: nothing happens if it is not 0.
void running_update(const RunningTensor* tensors, int count, int64_t largest, double momentum,
                    const int32_t* failed, cudaStream_t stream);

struct MeanTensor {
  float* mean;
  const float* value;
  int64_t elements;
  int32_t aligned;  // whether both start at multiples of 16 bytes
  int32_t unused;
};
// mean += (1 - decay) * (value - mean). failed [1] or null: nothing happens if it is not 0.
void ema_update(const MeanTensor* tensors, int count, int64_t largest, double decay, const int32_t* failed,
                cudaStream_t stream);
// Means of n values, n [1], become those of one more: mean = value if n is 0, else mean += (value - mean) / (n + 1).
// failed as above.
void accumulate(const MeanTensor* tensors, int count, int64_t largest, const float* n, const int32_t* failed,
                cudaStream_t stream);

struct FiniteTensor {
  const void* values;
  int64_t elements;
  Storage storage;
  uint8_t unused[7];
};
// Adds to bad[t], and to any, if tensor t holds a NaN or an infinity. bad [count] or null, any [1] or null; the
// caller zeroes them.
void find_non_finite(const FiniteTensor* tensors, int count, int64_t largest, int32_t* bad, int32_t* any,
                     cudaStream_t stream);

// ---- weights and input

// weight' = weight * factor, bias' = beta + (bias - mean) * factor, factor = gamma / sqrt(variance + eps).
// weight [K, per_output], bias [K] or null, the norm's parameters [K]; the outputs may be the inputs.
void fold_batch_norm(const float* weight, const float* bias, const NormParameters& norm, double eps,
                     float* folded_weight, float* folded_bias, int64_t outputs, int64_t per_output,
                     cudaStream_t stream);

template <typename From, typename To>
void convert(const From* x, To* y, int64_t count, cudaStream_t stream);

struct WeightSize {
  int64_t outputs, inputs, positions;  // positions: of the kernel
  int64_t padded_inputs;               // of the packed form; what is more than inputs is zero
};
// A convolution's weight [K,C,kH,kW] float to its packed form [K,kH,kW,padded C] of storage T.
template <typename T>
void pack_weight(const float* weight, T* packed, const WeightSize& size, cudaStream_t stream);
// The gradient of the packed form to that of the weight.
template <typename T>
void unpack_weight_gradient(const T* packed, float* gradient, const WeightSize& size, cudaStream_t stream);

// y = table[256 c + pixel] from pixels [count], whose channels c lie side by side; table [channels, 256].
template <typename T>
void normalise_pixels(const uint8_t* pixels, const float* table, T* y, int64_t count, int64_t channels,
                      cudaStream_t stream);

}  // namespace senet::cuda
