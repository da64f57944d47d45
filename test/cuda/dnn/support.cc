#include "support.h"

#include <cmath>
#include <cstring>
#include <random>
#include <stdexcept>

#include "core/error.h"

namespace senet::cuda::test {

namespace {

void check(cudaError_t error) {
  if (error != cudaSuccess) throw std::runtime_error(cudaGetErrorString(error));
}

uint16_t narrow(float value, Storage storage) {
  uint16_t bits16;
  if (storage == Storage::kFloat16) {
    const auto half = static_cast<_Float16>(value);
    std::memcpy(&bits16, &half, sizeof bits16);
    return bits16;
  }
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  if (std::isnan(value)) return 0x7fff;
  return static_cast<uint16_t>((bits + 0x7fffu + (bits >> 16 & 1u)) >> 16);
}

float widen(uint16_t bits16, Storage storage) {
  if (storage == Storage::kFloat16) {
    _Float16 half;
    std::memcpy(&half, &bits16, sizeof half);
    return static_cast<float>(half);
  }
  const uint32_t bits = static_cast<uint32_t>(bits16) << 16;
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

}  // namespace

void expect(bool holds, const std::string& message) {
  if (!holds) throw std::runtime_error(message);
}

void expect_error(const std::string& text, const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    if (std::string(error.what()).find(text) != std::string::npos) return;
    throw std::runtime_error("expected an error with '" + text + "', got '" + error.what() + "'");
  }
  throw std::runtime_error("expected an error with '" + text + "', got none");
}

double expect_close(const std::string& what, const std::vector<float>& actual,
                    const std::vector<double>& expected, double tolerance) {
  expect(actual.size() == expected.size(), what + ": sizes differ");
  double worst = 0.0;
  for (size_t i = 0; i < actual.size(); ++i) {
    const double error = std::fabs(double{actual[i]} - expected[i]) / (1.0 + std::fabs(expected[i]));
    // Written so that a NaN fails.
    if (!(error <= tolerance)) {
      throw std::runtime_error(what + "[" + std::to_string(i) + "]: expected " + std::to_string(expected[i]) +
                               ", got " + std::to_string(actual[i]));
    }
    worst = std::max(worst, error);
  }
  return worst;
}

const char* name_of(Storage storage) {
  if (storage == Storage::kFloat16) return "float16";
  return storage == Storage::kBFloat16 ? "bfloat16" : "float32";
}

double tolerance_of(Storage storage) {
  if (storage == Storage::kFloat16) return 0x1p-10;
  return storage == Storage::kBFloat16 ? 0x1p-7 : 1e-6;
}

float rounded(float value, Storage storage) {
  return storage == Storage::kFloat32 ? value : widen(narrow(value, storage), storage);
}

std::vector<float> random_values(int64_t count, uint32_t seed, Storage storage) {
  std::mt19937 random(seed);
  std::vector<float> values(static_cast<size_t>(count));
  for (float& value : values) value = rounded(static_cast<float>(random() % 4097) / 2048.0f - 1.0f, storage);
  // With few bits only, TF32 would be exact.
  if (storage == Storage::kFloat32) {
    for (float& value : values) value *= 1.0f + 0x1p-12f;
  }
  return values;
}

DeviceArray::DeviceArray(const std::vector<float>& values, Storage storage)
    : DeviceArray(values.size() * size_of(storage)) {
  count_ = values.size();
  storage_ = storage;
  if (storage == Storage::kFloat32) {
    check(cudaMemcpy(address_, values.data(), count_ * 4, cudaMemcpyHostToDevice));
    return;
  }
  std::vector<uint16_t> bits;
  for (const float value : values) bits.push_back(narrow(value, storage));
  check(cudaMemcpy(address_, bits.data(), count_ * 2, cudaMemcpyHostToDevice));
}

DeviceArray::DeviceArray(size_t bytes) {
  if (bytes > 0) check(cudaMalloc(&address_, bytes));
}

DeviceArray::~DeviceArray() {
  if (address_ != nullptr) cudaFree(address_);
}

std::vector<float> DeviceArray::read() const {
  std::vector<float> values(count_);
  if (storage_ == Storage::kFloat32) {
    check(cudaMemcpy(values.data(), address_, count_ * 4, cudaMemcpyDeviceToHost));
    return values;
  }
  std::vector<uint16_t> bits(count_);
  check(cudaMemcpy(bits.data(), address_, count_ * 2, cudaMemcpyDeviceToHost));
  for (size_t i = 0; i < count_; ++i) values[i] = widen(bits[i], storage_);
  return values;
}

DnnOptions Session::without_files() {
  DnnOptions options;
  options.cache_folder = "";
  options.device_name = "simulated";
  return options;
}

Session::Session(DnnOptions options) {
  check(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking));
  options.stream = stream_;
  dnn_ = std::make_unique<Dnn>(options);
}

Session::~Session() {
  dnn_.reset();
  cudaStreamDestroy(stream_);
}

void Session::synchronize() const {
  check(cudaStreamSynchronize(stream_));
}

Plan Session::run(const ConvolutionProblem& problem, const ConvolutionAddresses& addresses) {
  Plan plan = dnn_->plan("layer", problem);
  const DeviceArray workspace(plan.workspace_bytes());
  plan.bind("layer", addresses, workspace.get()).run();
  synchronize();
  return plan;
}

ConvolutionProblem usual_problem(ConvolutionDirection direction, Storage storage) {
  ConvolutionProblem p;
  p.direction = direction;
  p.storage = p.weight_gradient = storage;
  p.images = 2, p.in_channels = 16, p.out_channels = 24;
  p.in_height = 9, p.in_width = 7;
  p.kernel = {3, 3};
  p.padding = {1, 1, 1, 1};
  return p;
}

}  // namespace senet::cuda::test
