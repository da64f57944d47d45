#include "backends/cuda_sim/runtime/segfault.h"

#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <string>

#include "backends/cuda_sim/runtime/device_memory.h"
#include "backends/cuda_sim/simt/executor.h"

namespace senet::sim {

namespace {

struct sigaction previous = {};

// Not quite what a signal handler may do, but the process is about to end.
void explain(const void* address) {
  const DeviceMemory& memory = device_memory();
  const bool in_kernel = executor().running();
  std::string text =
      "simulated device: " + (in_kernel ? executor().place() : std::string("the host")) + " touched ";
  const Allocation* const nearest = memory.nearest_below(address);
  if (memory.contains(address, 1)) {
    text += "memory of the device, which only operations of a stream may touch";
  } else if (nearest != nullptr) {
    const auto beyond = static_cast<const std::byte*>(address) - (nearest->data + nearest->bytes);
    text += "the device's memory " + std::to_string(beyond) + " bytes past an allocation of " +
            std::to_string(nearest->bytes) + " bytes";
  } else {
    text += "memory of the device that is not allocated";
  }
  text += "\n";
  if (write(STDERR_FILENO, text.data(), text.size()) < 0) return;
}

void handle(int signal, siginfo_t* info, void* context) {
  if (device_memory().owns(info->si_addr)) explain(info->si_addr);
  if ((previous.sa_flags & SA_SIGINFO) != 0) {
    previous.sa_sigaction(signal, info, context);
  } else if (previous.sa_handler != SIG_DFL && previous.sa_handler != SIG_IGN) {
    previous.sa_handler(signal);
  } else {
    // Returning repeats the access, now without a handler.
    std::signal(SIGSEGV, SIG_DFL);
  }
}

}  // namespace

void explain_segfaults() {
  struct sigaction action = {};
  action.sa_sigaction = handle;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  sigemptyset(&action.sa_mask);
  sigaction(SIGSEGV, &action, &previous);
}

}  // namespace senet::sim
