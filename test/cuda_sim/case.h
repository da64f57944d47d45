// A test case of the simulator: a function with a name, run by main.cc. It ends well, or throws.
#pragma once

#include <cuda_runtime_api.h>

#include <stdexcept>
#include <string>
#include <vector>

namespace senet::sim_test {

// The program gave a wrong result.
struct WrongResult : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// The device refused something, or found a fault.
struct DeviceError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct Case {
  const char* name;
  void (*run)();
};

std::vector<Case>& cases();

struct Registration {
  Registration(const char* name, void (*run)()) { cases().push_back({name, run}); }
};

inline void check(cudaError_t error) {
  if (error != cudaSuccess) throw DeviceError(cudaGetErrorString(error));
}

inline void expect(bool holds, const std::string& what) {
  if (!holds) throw WrongResult(what);
}

inline void expect_error(cudaError_t got, cudaError_t wanted, const std::string& what) {
  expect(got == wanted, what + ": expected " + cudaGetErrorName(wanted) + ", got " + cudaGetErrorName(got));
}

}  // namespace senet::sim_test

#define SIM_CASE(name)                                                           \
  static void name();                                                            \
  static const ::senet::sim_test::Registration name##_registration(#name, name); \
  static void name()
