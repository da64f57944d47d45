// Convolutions and matrix products by NVIDIA's library, as far as this project uses it. dnn_cudnn*.cc are the
// only files that know which library that is.
//
// A problem is a plain description of one computation, with what is fused into it. A Dnn turns problems into
// plans when a program is compiled; a plan bound to addresses is a call, and running a call looks nothing up.
//
// Maps are [N, H, W, C], weights [K, R, S, C / groups], both in the problem's storage type; everything per
// channel or per image and channel is float32. Addresses are aligned to kDnnAlignment. Sums are float32
// throughout.
#pragma once

#include <cuda_runtime_api.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "backends/cuda/storage_type.h"

namespace senet::cuda {

// Bytes; of operands and of the workspace.
constexpr size_t kDnnAlignment = 16;

enum class ConvolutionDirection : uint8_t { kForward, kGradInput, kGradWeight };

// What is computed along with a convolution. All but the last belong to kForward:
//   y = relu(gate_nk * (conv + bias_k) + residual), each part only if asked for.
// Which of these the library has a plan for depends on the device and the type: ask supports(), and have
// kernels to fall back on.
struct ConvolutionFusion {
  bool input_norm = false;  // for x read relu(input_scale_c * x + input_shift_c)
  bool bias = false;
  bool gate = false;
  bool residual = false;
  bool relu = false;
  bool sums = false;        // also sums_nk = sum of y over positions
  bool statistics = false;  // also the sums_nk of y - shift_k, and of its square
  bool accumulate = false;  // kGradInput: add to the gradient that x holds

  bool operator==(const ConvolutionFusion&) const = default;
};

// One of the three computations that belong to a convolution y = conv(x, weight).
struct ConvolutionProblem {
  ConvolutionDirection direction = ConvolutionDirection::kForward;
  int64_t images = 0, groups = 1;
  int64_t in_channels = 0, in_height = 0, in_width = 0;
  int64_t out_channels = 0;
  std::array<int64_t, 2> kernel{1, 1}, stride{1, 1}, dilation{1, 1};
  std::array<int64_t, 4> padding{};  // top, bottom, left, right
  Storage storage = Storage::kFloat32;
  // float32 storage only: factors may be rounded to TF32. Without, no tensor cores and no transforms.
  bool tf32 = false;
  // kGradWeight: what the gradient is written in. For 16-bit maps cuDNN 9.24 has some forty engines that
  // round the float32 sums to the maps' type, one that does not, and none of that kind when channels are odd.
  Storage weight_gradient = Storage::kFloat32;
  ConvolutionFusion fusion;

  int64_t out_height() const;
  int64_t out_width() const;
  bool operator==(const ConvolutionProblem&) const = default;
};

// The key of a problem: equal problems have equal texts, and a reader sees what is computed.
std::string to_string(const ConvolutionProblem& problem);

// Throws Error(kArgument) when sizes are impossible or something is fused that does not belong to the
// direction.
void check_problem(const std::string& layer, const ConvolutionProblem& problem);

// Addresses of a convolution's operands; the direction says which of x, weight and y is written. What the
// fusion does not ask for is ignored.
struct ConvolutionAddresses {
  const void *x = nullptr, *weight = nullptr, *y = nullptr;
  const float *input_scale = nullptr, *input_shift = nullptr;  // [C]
  const float* bias = nullptr;                                 // [K]
  const float* gate = nullptr;                                 // [N, K]
  const void* residual = nullptr;                              // like y
  float* sums = nullptr;                                       // [N, K]
  const float* shift = nullptr;                                // [K]
  float *deviations = nullptr, *squares = nullptr;             // [N, K]
};

// y[rows, columns] = op(a) op(b) + bias, row-major, where op transposes when told: a is [rows, depth] or
// transposed [depth, rows]; bias is float32 [columns], and only with b alone transposed, as forward passes
// have it. Both transposed is not supported.
//
// It is done by a 1x1 convolution over maps of one position, which is the same sum: cuDNN's own matrix
// product is compiled at run time and has no engine without tensor cores, and cuBLASLt (540 MB) need not be
// linked.
struct MatrixProblem {
  bool transpose_a = false, transpose_b = false;
  int64_t rows = 0, columns = 0, depth = 0;
  Storage storage = Storage::kFloat32;
  bool tf32 = false;
  bool bias = false;
};
struct MatrixAddresses {
  const void *a = nullptr, *b = nullptr, *y = nullptr;
  const float* bias = nullptr;
};
ConvolutionProblem as_convolution(const std::string& layer, const MatrixProblem& problem);
ConvolutionAddresses as_convolution(const MatrixProblem& problem, const MatrixAddresses& addresses);

// A plan with its addresses in place. A copy is the same call.
class DnnCall {
 public:
  struct State;
  DnnCall() = default;
  explicit DnnCall(std::shared_ptr<const State> state) : state_(std::move(state)) {}
  // Queues the computation on the stream of the Dnn.
  void run() const;

 private:
  std::shared_ptr<const State> state_;
};

// How one problem is computed. A copy is the same plan; it keeps alive what it needs of its Dnn.
class Plan {
 public:
  struct State;
  explicit Plan(std::shared_ptr<const State> state) : state_(std::move(state)) {}

  size_t workspace_bytes() const;
  // "cudnn:eng34", by the library's number of the engine.
  const std::string& implementation() const;

  // `layer` begins the messages of errors. A null workspace will do when workspace_bytes() is 0; plans that
  // never run at the same time may share one.
  DnnCall bind(const std::string& layer, const ConvolutionAddresses& addresses, void* workspace) const;

 private:
  std::shared_ptr<const State> state_;
};

// "cuDNN 9.24.0", the library that was found.
std::string dnn_version();

struct DnnOptions {
  cudaStream_t stream = nullptr;
  // Only engines that give the same bits each time.
  bool deterministic = false;
  size_t workspace_limit = size_t{512} << 20;
  // Choose by timing on buffers of its own instead of taking the library's first suggestion.
  bool autotune = false;
  // Where plans are kept between processes; empty for nowhere. The choice autotune makes is kept as well.
  std::string cache_folder;
  // Of the device in use; a kept plan is used on devices of the same name only.
  std::string device_name;
  // Plan for the device that this text describes, in the library's own JSON, without having it. Calls cannot
  // run.
  std::string device_description;
};

// The library on one device, used from one thread at a time.
class Dnn {
 public:
  struct State;
  // Throws Error(kUnsupported) when the library cannot be used.
  explicit Dnn(DnnOptions options);
  ~Dnn();

  // "cuDNN 9.24.0".
  const std::string& description() const;

  // The plan of a problem, made once. Error(kUnsupported) names the layer when there is none.
  Plan plan(const std::string& layer, const ConvolutionProblem& problem);

  // Whether there is a plan. Finding out costs as much as planning, and the plan is kept.
  bool supports(const ConvolutionProblem& problem);

  // How long the plan of a problem takes, timed once on buffers of its own. Only where calls can run.
  double milliseconds(const std::string& layer, const ConvolutionProblem& problem);

  // All plans of a problem up to `most`, in the library's order, to choose from by timing; possibly none.
  std::vector<Plan> candidates(const ConvolutionProblem& problem, size_t most);

 private:
  std::unique_ptr<State> state_;
};

}  // namespace senet::cuda
