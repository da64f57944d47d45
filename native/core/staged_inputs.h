// The inputs of one run of a program on their way to the device.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "core/device.h"
#include "core/program.h"

namespace senet {

class StagedInputs {
 public:
  // On the device's thread. Throws Error(kOutOfMemory).
  explicit StagedInputs(std::shared_ptr<Program> program);
  // From any thread.
  ~StagedInputs();
  StagedInputs(const StagedInputs&) = delete;
  StagedInputs& operator=(const StagedInputs&) = delete;

  // Takes over a part of an input and begins to send it; not while a run reads it. From any thread, one at a time.
  void write(size_t input, size_t offset, const std::byte* data, size_t bytes);
  // On the device's thread: copies an input to where a program reads it.
  void deliver(size_t input, std::byte* to);

  Program& program() const { return *program_; }
  size_t size() const { return staging_->size(); }

 private:
  std::shared_ptr<Program> program_;
  std::vector<size_t> offsets_;  // of the inputs, and the end
  std::unique_ptr<Staging> staging_;
};

}  // namespace senet
