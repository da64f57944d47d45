// Runs the tests whose names contain one of the arguments, or all. Exit status 1 if one fails, or leaves anything alive
// on the device.
#include <algorithm>
#include <chrono>
#include <cstdio>

#include "backends/cuda_sim/control.h"
#include "kernel_test.h"

namespace senet::cuda::test {
namespace {

std::string context;
int failures = 0;

bool wanted(const char* name, int count, char** words) {
  for (int i = 1; i < count; ++i) {
    if (std::strstr(name, words[i]) != nullptr) return true;
  }
  return count == 1;
}

// Failures of one test.
int run(const Test& test) {
  failures = 0;
  context.clear();
  stream();  // stays for all tests
  const size_t alive = sim_live_count();
  const auto start = std::chrono::steady_clock::now();
  try {
    test.run();
  } catch (const std::exception& error) {
    fail(error.what());
  }
  if (sim_live_count() != alive) fail("left " + std::to_string(sim_live_count() - alive) + " things alive");
  const std::chrono::duration<double, std::milli> time = std::chrono::steady_clock::now() - start;
  std::printf("%s %s (%.0f ms)\n", failures == 0 ? "ok  " : "FAIL", test.name, time.count());
  std::fflush(stdout);
  return failures;
}

}  // namespace

std::vector<Test>& tests() {
  static std::vector<Test> all;
  return all;
}

void set_context(const std::string& text) {
  context = text;
}

void fail(const std::string& message) {
  if (++failures <= 5) std::printf("  %s: %s\n", context.c_str(), message.c_str());
}

void check(cudaError_t status, const char* what) {
  if (status != cudaSuccess) throw std::runtime_error(std::string(what) + ": " + cudaGetErrorString(status));
}

cudaStream_t stream() {
  static cudaStream_t one = [] {
    cudaStream_t made = nullptr;
    check(cudaStreamCreateWithFlags(&made, cudaStreamNonBlocking), "cudaStreamCreateWithFlags");
    return made;
  }();
  return one;
}

void synchronise() {
  check(cudaStreamSynchronize(stream()), "cudaStreamSynchronize");
}

}  // namespace senet::cuda::test

int main(int count, char** words) {
  using namespace senet::cuda::test;
  std::vector<Test> all = tests();
  std::stable_partition(all.begin(), all.end(), [](const Test& test) { return !test.largest_blocks; });
  int failed = 0, ran = 0;
  for (const Test& test : all) {
    if (!wanted(test.name, count, words)) continue;
    ++ran;
    failed += run(test) == 0 ? 0 : 1;
  }
  std::printf("%d of %d tests failed\n", failed, ran);
  return failed == 0 && ran > 0 ? 0 : 1;
}
