// A kernel with its arguments, as it waits in a stream's queue.
#pragma once

#include <cstddef>
#include <memory>
#include <tuple>
#include <type_traits>
#include <utility>

#include "driver_types.h"

namespace senet::sim {

// One argument's bytes, to be searched for addresses.
struct ArgumentBytes {
  const void* data;
  size_t bytes;
  bool is_pointer;
};

class BoundKernel {
 public:
  virtual ~BoundKernel() = default;
  // Runs the kernel's code for the thread that the built-in variables describe.
  virtual void run_thread() const = 0;
  virtual size_t argument_count() const = 0;
  virtual ArgumentBytes argument(size_t index) const = 0;
};

template <typename... Parameters>
class BoundKernelOf final : public BoundKernel {
 public:
  BoundKernelOf(void (*kernel)(Parameters...), Parameters... arguments)
      : kernel_(kernel), arguments_(std::move(arguments)...) {
    describe(std::index_sequence_for<Parameters...>());
  }

  void run_thread() const override { std::apply(kernel_, arguments_); }
  size_t argument_count() const override { return sizeof...(Parameters); }
  ArgumentBytes argument(size_t index) const override { return description_[index]; }

 private:
  template <size_t... I>
  void describe(std::index_sequence<I...>) {
    ((description_[I] = {&std::get<I>(arguments_), sizeof(std::get<I>(arguments_)),
                         std::is_pointer_v<Parameters>}),
     ...);
  }

  void (*kernel_)(Parameters...);
  std::tuple<std::decay_t<Parameters>...> arguments_;
  ArgumentBytes description_[sizeof...(Parameters) + 1] = {};
};

template <typename... Parameters>
std::shared_ptr<const BoundKernel> bind_kernel(void (*kernel)(Parameters...),
                                               std::type_identity_t<Parameters>... arguments) {
  return std::make_shared<const BoundKernelOf<Parameters...>>(kernel, std::move(arguments)...);
}

// Checks the launch and queues it. `function` is the kernel's address, by which its attributes are kept.
cudaError_t launch_kernel(const cudaLaunchConfig_t& config, const void* function,
                          std::shared_ptr<const BoundKernel> kernel);

}  // namespace senet::sim
