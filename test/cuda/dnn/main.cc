// Runs every case, or those whose names contain the argument, and prints a line for each. A case must also
// leave nothing behind: no descriptor, no handle, no memory of the device.
#include <cstdio>
#include <exception>
#include <string>

#include "backends/cuda_sim/control.h"
#include "backends/cuda_sim/cudnn/control.h"
#include "support.h"

namespace {

using senet::cuda::test::Case;

// Empty when the case passes.
std::string failure_of(const Case& test) {
  try {
    test.run();
  } catch (const std::exception& error) {
    return error.what();
  }
  if (sim_cudnn_live() > 0) return std::to_string(sim_cudnn_live()) + " objects of cuDNN leaked";
  if (sim_live_count() > 0) return std::to_string(sim_live_count()) + " objects of the device leaked";
  return "";
}

}  // namespace

int main(int count, char** arguments) {
  namespace test = senet::cuda::test;
  const std::string wanted = count > 1 ? arguments[1] : "";
  int failures = 0, runs = 0;
  for (const auto& cases : {test::convolution_cases(), test::fusion_cases(), test::matrix_cases(),
                            test::planning_cases(), test::plan_file_cases(), test::wrong_use_cases()}) {
    for (const Case& one : cases) {
      if (one.name.find(wanted) == std::string::npos) continue;
      const std::string failure = failure_of(one);
      std::printf("%s %s%s%s\n", failure.empty() ? "ok" : "FAIL", one.name.c_str(),
                  failure.empty() ? "" : ": ", failure.c_str());
      std::fflush(stdout);
      failures += failure.empty() ? 0 : 1;
      ++runs;
    }
  }
  std::printf("%d cases, %d failed\n", runs, failures);
  return failures == 0 && runs > 0 ? 0 : 1;
}
