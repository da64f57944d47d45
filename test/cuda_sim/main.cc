// Runs the cases named on the command line, one line of output for each; "list" tells the names. The status
// is 0 if all end well, 1 after a wrong result, 2 after an error of the device.
#include <cstdio>
#include <cstring>

#include "backends/cuda_sim/control.h"
#include "case.h"

namespace senet::sim_test {

std::vector<Case>& cases() {
  static std::vector<Case> all;
  return all;
}

namespace {

int run(const Case& one) {
  int status = 0;
  std::string outcome = "ok";
  try {
    one.run();
    expect(sim_live_count() == 0, "left " + std::to_string(sim_live_count()) + " things alive");
  } catch (const WrongResult& error) {
    outcome = std::string("wrong result: ") + error.what();
    status = 1;
  } catch (const std::exception& error) {
    outcome = std::string("error: ") + error.what();
    status = 2;
  }
  std::printf("%s: %s\n", one.name, outcome.c_str());
  std::fflush(stdout);
  return status;
}

}  // namespace

}  // namespace senet::sim_test

int main(int count, char** arguments) {
  using senet::sim_test::Case;
  if (count == 2 && std::strcmp(arguments[1], "list") == 0) {
    for (const Case& one : senet::sim_test::cases()) std::printf("%s\n", one.name);
    return 0;
  }
  int status = 0;
  for (int i = 1; i < count; ++i) {
    bool found = false;
    for (const Case& one : senet::sim_test::cases()) {
      if (std::strcmp(one.name, arguments[i]) != 0) continue;
      found = true;
      const int outcome = senet::sim_test::run(one);
      if (status == 0) status = outcome;
    }
    if (!found) {
      std::printf("%s: error: there is no such case\n", arguments[i]);
      status = 2;
    }
  }
  return status;
}
