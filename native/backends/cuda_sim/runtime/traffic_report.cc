// The file that SENET_SIM_TRAFFIC names: for programs that can ask for nothing while they run.
#include <cstdio>
#include <cstdlib>
#include <mutex>

#include "backends/cuda_sim/runtime/runtime.h"
#include "backends/cuda_sim/runtime/traffic.h"

namespace senet::sim {

namespace {

void write_report() {
  const std::lock_guard lock(runtime().mutex);
  std::FILE* const file = std::fopen(std::getenv("SENET_SIM_TRAFFIC"), "w");
  if (file == nullptr) return;
  const char* separator = "{";
  for (const auto& [name, t] : traffic().all()) {
    std::fprintf(file,
                 "%s\n  \"%s\": {\"launches\": %ju, \"bytesRead\": %ju, \"bytesWritten\": %ju, "
                 "\"uniqueRead\": %ju, \"uniqueWritten\": %ju}",
                 separator, name.c_str(), t.launches, t.bytes_read, t.bytes_written, t.unique_read,
                 t.unique_written);
    separator = ",";
  }
  std::fprintf(file, "\n}\n");
  std::fclose(file);
}

const bool g_at_the_end = std::getenv("SENET_SIM_TRAFFIC") != nullptr && std::atexit(write_report) == 0;

}  // namespace

}  // namespace senet::sim
