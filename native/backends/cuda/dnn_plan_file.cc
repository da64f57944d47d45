// The file of a plan: a line that names the format, the key, the implementation, a checksum of the rest, the
// rest.
#include "backends/cuda/dnn_plan_file.h"

#include <unistd.h>

#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>

#include "backends/cuda/dnn.h"

namespace senet::cuda {

namespace {

namespace fs = std::filesystem;

// To be raised when the numbers of the operands change.
constexpr const char* kPlanFileVersion = "senet cudnn plan 1";

// 64-bit FNV-1a, in hexadecimal.
std::string hash(const std::string& text) {
  uint64_t value = 0xcbf29ce484222325u;
  for (const unsigned char byte : text) value = (value ^ byte) * 0x100000001b3u;
  char digits[17];
  std::snprintf(digits, sizeof digits, "%016" PRIx64, value);
  return digits;
}

fs::path path_of(const std::string& folder, const std::string& key) {
  return fs::path(folder) / ("plan-" + hash(key));
}

}  // namespace

std::optional<SavedPlan> read_plan_file(const std::string& folder, const std::string& key) {
  if (folder.empty()) return std::nullopt;
  std::ifstream file(path_of(folder, key), std::ios::binary);
  std::string version, stored_key, checksum;
  SavedPlan plan;
  if (!std::getline(file, version) || version != kPlanFileVersion) return std::nullopt;
  if (!std::getline(file, stored_key) || stored_key != key) return std::nullopt;
  if (!std::getline(file, plan.implementation) || !std::getline(file, checksum)) return std::nullopt;
  plan.text.assign(std::istreambuf_iterator<char>(file), {});
  if (checksum != hash(plan.implementation + plan.text)) return std::nullopt;
  return plan;
}

void write_plan_file(const std::string& folder, const std::string& key, const SavedPlan& plan) {
  if (folder.empty()) return;
  std::error_code ignored;
  fs::create_directories(folder, ignored);
  const fs::path path = path_of(folder, key);
  fs::path unfinished = path;
  unfinished += "." + std::to_string(getpid());
  {
    std::ofstream file(unfinished, std::ios::binary);
    file << kPlanFileVersion << '\n'
         << key << '\n'
         << plan.implementation << '\n'
         << hash(plan.implementation + plan.text) << '\n'
         << plan.text;
    if (!file.flush()) {
      file.close();
      fs::remove(unfinished, ignored);
      return;
    }
  }
  fs::rename(unfinished, path, ignored);
  if (ignored) fs::remove(unfinished, ignored);
}

}  // namespace senet::cuda
