// What the tests of the dnn layer are written with: cases, device memory, random values, a session.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "backends/cuda/dnn.h"

namespace senet::cuda::test {

struct Case {
  std::string name;
  std::function<void()> run;  // throws when it fails
};
std::vector<Case> convolution_cases();
std::vector<Case> fusion_cases();
std::vector<Case> matrix_cases();
std::vector<Case> planning_cases();
std::vector<Case> plan_file_cases();
std::vector<Case> wrong_use_cases();

void expect(bool holds, const std::string& message);
// Expects an Error whose message contains `text`.
void expect_error(const std::string& text, const std::function<void()>& call);
// |actual - expected| <= tolerance * (1 + |expected|) everywhere; returns the largest such ratio.
double expect_close(const std::string& what, const std::vector<float>& actual,
                    const std::vector<double>& expected, double tolerance);

constexpr Storage kStorages[] = {Storage::kFloat32, Storage::kFloat16, Storage::kBFloat16};
const char* name_of(Storage storage);
// Of one rounding to the storage type; for float32 of a short sum.
double tolerance_of(Storage storage);
float rounded(float value, Storage storage);
// Values in [-1, 1] that the storage type has, the same for the same seed.
std::vector<float> random_values(int64_t count, uint32_t seed, Storage storage);

// Device memory that holds `values` in a storage type.
class DeviceArray {
 public:
  DeviceArray(const std::vector<float>& values, Storage storage);
  explicit DeviceArray(size_t bytes);
  ~DeviceArray();
  DeviceArray(const DeviceArray&) = delete;
  DeviceArray& operator=(const DeviceArray&) = delete;

  void* get() const { return address_; }
  float* floats() const { return static_cast<float*>(address_); }
  std::vector<float> read() const;

 private:
  void* address_ = nullptr;
  size_t count_ = 0;
  Storage storage_ = Storage::kFloat32;
};

// A stream and a Dnn on it.
class Session {
 public:
  explicit Session(DnnOptions options = without_files());
  ~Session();
  static DnnOptions without_files();

  Dnn& dnn() { return *dnn_; }
  cudaStream_t stream() const { return stream_; }
  void synchronize() const;
  // Plans, binds and runs once.
  Plan run(const ConvolutionProblem& problem, const ConvolutionAddresses& addresses);

 private:
  cudaStream_t stream_ = nullptr;
  std::unique_ptr<Dnn> dnn_;
};

// The operands of a convolution, channels last, and what it makes of them by definition.
struct Operands {
  std::vector<float> x, weight, y, input_scale, input_shift, bias, gate, residual, shift;
};
Operands random_operands(const ConvolutionProblem& problem);
std::vector<double> reference(const ConvolutionProblem& problem, const Operands& operands);

// Runs a problem on random operands and compares all results; returns the largest error of the main one.
double check_convolution(Session* session, const ConvolutionProblem& problem, double tolerance);

// 2 images, 16 -> 24 channels, 9 x 7, kernel 3 x 3, padding 1.
ConvolutionProblem usual_problem(ConvolutionDirection direction, Storage storage);

}  // namespace senet::cuda::test
