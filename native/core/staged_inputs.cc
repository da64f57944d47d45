#include "core/staged_inputs.h"

#include <cstring>
#include <string>
#include <utility>

#include "core/error.h"
#include "core/memory_plan.h"

namespace senet {

StagedInputs::StagedInputs(std::shared_ptr<Program> program) : program_(std::move(program)), offsets_{0} {
  for (size_t bytes : program_->input_bytes()) offsets_.push_back(offsets_.back() + align_up(bytes));
  staging_ = program_->device()->backend().make_staging(offsets_.back());
}

StagedInputs::~StagedInputs() {
  program_->device()->retire(std::move(staging_));
}

void StagedInputs::write(size_t input, size_t offset, const std::byte* data, size_t bytes) {
  const std::vector<size_t> sizes = program_->input_bytes();
  if (input >= sizes.size() || offset > sizes[input] || bytes > sizes[input] - offset) {
    throw Error(ErrorCode::kArgument, "input " + std::to_string(input) + ": no room for " +
                                          std::to_string(bytes) + " bytes at " + std::to_string(offset));
  }
  if (bytes == 0) return;
  const size_t at = offsets_[input] + offset;
  std::memcpy(staging_->data() + at, data, bytes);
  staging_->send(at, bytes);
}

void StagedInputs::deliver(size_t input, std::byte* to) {
  staging_->deliver(to, offsets_[input], program_->input_bytes()[input]);
}

}  // namespace senet
