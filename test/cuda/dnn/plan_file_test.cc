// Plans kept on disk.
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "backends/cuda_sim/cudnn/control.h"
#include "support.h"

namespace senet::cuda::test {

namespace {

namespace fs = std::filesystem;

// A folder that goes away with its contents.
class Folder {
 public:
  Folder() {
    std::string pattern = (fs::temp_directory_path() / "senet-plans-XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary folder");
    path_ = pattern;
  }
  ~Folder() { fs::remove_all(path_); }
  const fs::path& path() const { return path_; }
  std::vector<fs::path> files() const { return {fs::directory_iterator(path_), fs::directory_iterator()}; }

 private:
  fs::path path_;
};

ConvolutionProblem problem() {
  return usual_problem(ConvolutionDirection::kForward, Storage::kFloat16);
}

// Plans made of engines, not of files: those of files ask for no heuristics, and come out first among
// candidates.
std::string plan_in(const fs::path& folder, const char* device = "simulated") {
  DnnOptions options = Session::without_files();
  options.cache_folder = folder.string();
  options.device_name = device;
  Session session(options);
  check_convolution(&session, problem(), 0.1);
  return session.dnn().plan("layer", problem()).implementation();
}

// The file's second engine on purpose: whether it is used can be told from the name.
void rename_engine(const fs::path& file, const std::string& from, const std::string& to) {
  std::ifstream in(file, std::ios::binary);
  std::string text((std::istreambuf_iterator<char>(in)), {});
  const size_t at = text.find(from);
  expect(at != std::string::npos, "'" + from + "' is not in the file");
  text.replace(at, from.size(), to);
  std::ofstream(file, std::ios::binary) << text;
}

void kept_and_used() {
  const Folder folder;
  sim_cudnn_refuse_plan(1);  // the first suggestion: a plan that only the file can bring again
  const std::string first = plan_in(folder.path());
  expect(folder.files().size() == 1, "expected one file");
  expect(plan_in(folder.path()) == first, "the kept plan was not used");
  expect(plan_in("") != first, "the test cannot tell kept plans from others");
}

void another_device() {
  const Folder folder;
  sim_cudnn_refuse_plan(1);
  const std::string first = plan_in(folder.path());
  expect(plan_in(folder.path(), "another") != first, "a plan for another device was used");
  expect(folder.files().size() == 2, "expected a file for each device");
}

void damaged() {
  const Folder folder;
  sim_cudnn_refuse_plan(1);
  const std::string first = plan_in(folder.path());
  const fs::path file = folder.files().at(0);
  rename_engine(file, "{\"emulated", "{\"emulatad");
  expect(plan_in(folder.path()) != first, "a damaged plan was used");
  fs::resize_file(file, fs::file_size(file) / 2);
  plan_in(folder.path());
  fs::resize_file(file, 0);
  plan_in(folder.path());
}

void another_version() {
  const Folder folder;
  sim_cudnn_refuse_plan(1);
  const std::string first = plan_in(folder.path());
  rename_engine(folder.files().at(0), "cuDNN 9.", "cuDNN 8.");
  expect(plan_in(folder.path()) != first, "a plan of another version was used");
}

void failed_suggestion() {
  const Folder folder;
  sim_cudnn_fail_plan(1);
  const std::string second = plan_in(folder.path());
  expect(folder.files().empty(), "what a failure has led to was kept");
  expect(plan_in(folder.path()) != second, "the failure is still felt");
  expect(folder.files().size() == 1, "expected one file");
}

void unwritable_folder() {
  const Folder folder;
  std::ofstream(folder.path() / "file") << "in the way";
  plan_in(folder.path() / "file" / "plans");
}

}  // namespace

std::vector<Case> plan_file_cases() {
  return {{"plan files: kept and used", kept_and_used},
          {"plan files: another device", another_device},
          {"plan files: damaged", damaged},
          {"plan files: another version", another_version},
          {"plan files: after a failure", failed_suggestion},
          {"plan files: a folder that cannot be written", unwritable_folder}};
}

}  // namespace senet::cuda::test
