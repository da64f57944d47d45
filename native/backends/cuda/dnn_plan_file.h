// Plans kept on disk between processes, one file each. A file that is damaged, of another format or of
// another key counts as absent, and failing to write one does no harm.
#pragma once

#include <optional>
#include <string>

namespace senet::cuda {

struct SavedPlan {
  std::string implementation;
  std::string text;
};

std::optional<SavedPlan> read_plan_file(const std::string& folder, const std::string& key);
// Readers see the whole file or none.
void write_plan_file(const std::string& folder, const std::string& key, const SavedPlan& plan);

}  // namespace senet::cuda
