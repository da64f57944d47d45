// Plans problems with the real cuDNN for a device that is described, not present.
//
//   plan DEVICE.json MOST [FOLDER] < problems
//
// Reads one problem a line, in the form to_string() gives it, and prints one JSON object a line: how many
// plans were finalized (at most MOST), the workspace and the engine of the first, and the milliseconds it took.
// With a folder it takes one plan for each problem, from the folder's files where it can, and keeps it there.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

#include "backends/cuda/dnn.h"
#include "core/error.h"

namespace senet::cuda {
namespace {

[[noreturn]] void refuse(const std::string& word) {
  throw Error(ErrorCode::kArgument, "plan: unknown word '" + word + "'");
}

bool read_storage(const std::string& word, Storage* storage) {
  if (word == "float32")
    *storage = Storage::kFloat32;
  else if (word == "float16")
    *storage = Storage::kFloat16;
  else if (word == "bfloat16")
    *storage = Storage::kBFloat16;
  else
    return false;
  return true;
}

// "4,3" into the first elements of `values`.
template <size_t kCount>
void read_numbers(const std::string& text, std::array<int64_t, kCount>* values) {
  std::istringstream stream(text);
  std::string number;
  for (int64_t& value : *values) {
    if (!std::getline(stream, number, ',')) refuse(text);
    value = std::stoll(number);
  }
}

bool read_size(const std::string& name, const std::string& value, ConvolutionProblem* p) {
  if (name == "kernel")
    read_numbers(value, &p->kernel);
  else if (name == "stride")
    read_numbers(value, &p->stride);
  else if (name == "dilation")
    read_numbers(value, &p->dilation);
  else if (name == "padding")
    read_numbers(value, &p->padding);
  else if (name == "gradient")
    return read_storage(value, &p->weight_gradient);
  else if (name == "n")
    p->images = std::stoll(value);
  else if (name == "c")
    p->in_channels = std::stoll(value);
  else if (name == "h")
    p->in_height = std::stoll(value);
  else if (name == "w")
    p->in_width = std::stoll(value);
  else if (name == "k")
    p->out_channels = std::stoll(value);
  else if (name == "groups")
    p->groups = std::stoll(value);
  else
    return false;
  return true;
}

bool read_flag(const std::string& word, ConvolutionProblem* p) {
  ConvolutionFusion& f = p->fusion;
  if (word == "forward")
    p->direction = ConvolutionDirection::kForward;
  else if (word == "grad_input")
    p->direction = ConvolutionDirection::kGradInput;
  else if (word == "grad_weight")
    p->direction = ConvolutionDirection::kGradWeight;
  else if (word == "tf32")
    p->tf32 = true;
  else if (word == "input_norm")
    f.input_norm = true;
  else if (word == "bias")
    f.bias = true;
  else if (word == "gate")
    f.gate = true;
  else if (word == "residual")
    f.residual = true;
  else if (word == "relu")
    f.relu = true;
  else if (word == "sums")
    f.sums = true;
  else if (word == "statistics")
    f.statistics = true;
  else if (word == "accumulate")
    f.accumulate = true;
  else
    return read_storage(word, &p->storage);
  return true;
}

ConvolutionProblem read_problem(const std::string& line) {
  ConvolutionProblem problem;
  std::istringstream words(line);
  std::string word;
  words >> word;
  if (word != "conv") refuse(word);
  while (words >> word) {
    const size_t equals = word.find('=');
    const bool known = equals == std::string::npos
                           ? read_flag(word, &problem)
                           : read_size(word.substr(0, equals), word.substr(equals + 1), &problem);
    if (!known) refuse(word);
  }
  return problem;
}

DnnOptions options_for(const std::string& device_file, const std::string& cache_folder) {
  std::ifstream file(device_file);
  DnnOptions options;
  options.device_description.assign(std::istreambuf_iterator<char>(file), {});
  if (options.device_description.empty()) refuse(device_file);
  options.device_name = device_file;
  options.cache_folder = cache_folder;
  return options;
}

std::vector<Plan> plans_of(Dnn* dnn, const ConvolutionProblem& problem, size_t most, bool kept) {
  if (!kept) return dnn->candidates(problem, most);
  if (!dnn->supports(problem)) return {};
  return {dnn->plan("plan", problem)};
}

int plan_all(const std::string& device_file, size_t most, const std::string& cache_folder) {
  Dnn dnn(options_for(device_file, cache_folder));
  std::string line;
  while (std::getline(std::cin, line)) {
    const ConvolutionProblem problem = read_problem(line);
    const auto start = std::chrono::steady_clock::now();
    const std::vector<Plan> plans = plans_of(&dnn, problem, most, !cache_folder.empty());
    const std::chrono::duration<double, std::milli> time = std::chrono::steady_clock::now() - start;
    std::printf("{\"plans\":%zu,\"workspace\":%zu,\"implementation\":\"%s\",\"ms\":%.1f}\n", plans.size(),
                plans.empty() ? 0 : plans.front().workspace_bytes(),
                plans.empty() ? "" : plans.front().implementation().c_str(), time.count());
    std::fflush(stdout);
  }
  return 0;
}

}  // namespace
}  // namespace senet::cuda

int main(int count, char** arguments) {
  try {
    if (count == 3 || count == 4) {
      const size_t most = std::strtoull(arguments[2], nullptr, 10);
      return senet::cuda::plan_all(arguments[1], most, count == 4 ? arguments[3] : "");
    }
    std::fprintf(stderr, "usage: plan DEVICE.json MOST [FOLDER] < problems\n");
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
  }
  return 1;
}
