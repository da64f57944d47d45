#include "backends/cuda/cuda_backend.h"

#include <algorithm>
#include <mutex>
#include <utility>

#include "backends/cuda/graph_runner.h"
#include "backends/cuda/passes/passes.h"
#include "core/error.h"

namespace senet::cuda {

namespace {

// Older devices have no bfloat16 and none of the library's engines that fuse.
constexpr int kLeastMajor = 8;

int attribute(cudaDeviceAttr which, int device) {
  int value = 0;
  check_cuda(cudaDeviceGetAttribute(&value, which, device), "asking for a device's properties");
  return value;
}

class CudaBackend final : public Backend {
 public:
  explicit CudaBackend(CudaOptions options)
      : options_(std::move(options)), name_(device_description(options_.device)) {}

  // The last to go is the stream, in whose order memory is freed.
  ~CudaBackend() override {
    if (stream_ == nullptr) return;
    cudaSetDevice(options_.device);
    dnn_.reset();
    failed_.reset();
  }

  std::unique_ptr<Memory> allocate(size_t bytes, const std::string& purpose) const override {
    return std::make_unique<DeviceMemory>(stream(), bytes, purpose);
  }
  std::unique_ptr<Staging> make_staging(size_t bytes) const override {
    return std::make_unique<PinnedStaging>(options_.device, stream(), bytes);
  }
  void copy_in(std::byte* to, const std::byte* from, size_t bytes) const override {
    if (bytes == 0) return;
    check_cuda(cudaMemcpyAsync(to, from, bytes, cudaMemcpyHostToDevice, stream()->get()),
               "copying to the GPU");
    // `from` may be gone when this returns.
    stream()->synchronize();
  }
  void copy_out(std::byte* to, const std::byte* from, size_t bytes) const override {
    if (bytes == 0) return;
    check_cuda(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToHost, stream()->get()),
               "copying from the GPU");
    stream()->synchronize();
  }
  std::unique_ptr<Runner> make_runner() const override {
    return std::make_unique<GraphRunner>(stream(), failed());
  }

  Graph lower(Graph graph) const override {
    graph = accumulate_gradients(with_storage_type(std::move(graph), options_.storage), kit());
    if (!options_.autotune) return graph;
    graph = take_squeeze(take_statistics(std::move(graph), kit()), kit());
    return apply_norms(std::move(graph), kit());
  }

  StepPlan prepare(const PrepareContext& context) const override {
    const auto found = op_table().find(context.node.op);
    if (found == op_table().end()) {
      throw Error(ErrorCode::kUnsupported,
                  context.node.layer + ": the cuda device has no op '" + context.node.op + "'");
    }
    return found->second(kit(), context);
  }

  std::vector<std::string> supported_ops() const override {
    std::vector<std::string> names;
    for (const auto& [name, prepare] : op_table()) names.push_back(name);
    std::sort(names.begin(), names.end());
    return names;
  }

  // What the device needs is made when it is first used, where errors have somebody to go to.
  void enter_thread() const override {}

  // Errors of kernels stay: from then on CUDA answers every call of the process with them.
  bool recover() const override {
    return stream_ == nullptr || cudaStreamSynchronize(stream_->get()) == cudaSuccess;
  }

  std::string description() const override { return name_; }

 private:
  Kit kit() const { return {stream(), dnn_.get(), options_.tf32, options_.autotune, failed()}; }
  const std::shared_ptr<const Stream>& stream() const {
    if (stream_ != nullptr) return stream_;
    check_cuda(cudaSetDevice(options_.device), "choosing the GPU");
    auto stream = std::make_shared<const Stream>();
    DnnOptions dnn;
    dnn.stream = stream->get();
    dnn.deterministic = options_.deterministic;
    dnn.autotune = options_.autotune;
    dnn.cache_folder = options_.plan_cache;
    dnn.device_name = name_;
    auto library = std::make_unique<Dnn>(std::move(dnn));
    failed_ = std::make_unique<DeviceMemory>(stream, sizeof(int32_t), "the outcome of checks");
    dnn_ = std::move(library);
    stream_ = std::move(stream);
    return stream_;
  }
  int32_t* failed() const {
    stream();
    return reinterpret_cast<int32_t*>(failed_->data());
  }

  CudaOptions options_;
  std::string name_;
  // Made on the device's thread by the first call that needs them.
  mutable std::shared_ptr<const Stream> stream_;
  mutable std::unique_ptr<Dnn> dnn_;
  mutable std::unique_ptr<DeviceMemory> failed_;
};

}  // namespace

int device_count(std::string* why) {
  int count = 0;
  const cudaError_t status = cudaGetDeviceCount(&count);
  if (status == cudaSuccess && count > 0) return count;
  cudaGetLastError();
  *why = status == cudaErrorInsufficientDriver ? "no NVIDIA driver, or one that is too old"
         : status == cudaSuccess || status == cudaErrorNoDevice
             ? "the driver finds no GPU"
             : std::string(cudaGetErrorName(status)) + ": " + cudaGetErrorString(status);
  return 0;
}

std::string device_description(int device) {
  std::string why;
  const int count = device_count(&why);
  if (count == 0) throw Error(ErrorCode::kUnsupported, "cuda: " + why);
  if (device < 0 || device >= count) {
    throw Error(ErrorCode::kUnsupported, "cuda: expected a device from 0 to " + std::to_string(count - 1) +
                                             ", received " + std::to_string(device));
  }
  cudaDeviceProp properties;
  check_cuda(cudaGetDeviceProperties(&properties, device), "asking for a device's properties");
  const int major = attribute(cudaDevAttrComputeCapabilityMajor, device);
  const int minor = attribute(cudaDevAttrComputeCapabilityMinor, device);
  if (major < kLeastMajor) {
    throw Error(ErrorCode::kUnsupported, "cuda: expected a GPU of compute capability 8.0 or newer, " +
                                             std::string(properties.name) + " has " + std::to_string(major) +
                                             "." + std::to_string(minor));
  }
  return std::string(properties.name) + ", compute capability " + std::to_string(major) + "." +
         std::to_string(minor) + ", " + std::to_string(properties.totalGlobalMem >> 30) + " GB";
}

std::unique_ptr<Backend> make_cuda_backend(const CudaOptions& options) {
  return std::make_unique<CudaBackend>(options);
}

}  // namespace senet::cuda
