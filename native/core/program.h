// A graph compiled for a device: steps bound to addresses, run many times.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/cost.h"
#include "core/device.h"
#include "core/error.h"
#include "core/graph.h"
#include "core/memory_plan.h"
#include "core/tensor.h"

namespace senet {

class StagedInputs;

class Program {
 public:
  // Compiles; on the device's thread. `tensors` are the parameters and states in the order of the graph's
  // values.
  Program(std::shared_ptr<Device> device, Graph graph, std::vector<std::shared_ptr<Tensor>> tensors);
  ~Program() { device_->retire(std::move(constants_)); }
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  // Runs all steps on the device's thread. `inputs` have been written whole, `outputs` are as large as
  // output_bytes() says. With `step_ms`, the time of each step is written there. A NonFiniteError of a
  // failed check names the layer in which the value first appeared.
  void run(StagedInputs& inputs, std::span<std::vector<std::byte>> outputs, std::vector<double>* step_ms);

  const std::shared_ptr<Device>& device() const { return device_; }

  struct StepInfo {
    std::string op, layer, implementation;
    bool constant;  // runs only when a parameter has changed
    StepCost cost;
  };
  std::vector<StepInfo> steps() const;
  // Of the graph's input values in order.
  std::vector<size_t> input_bytes() const;
  std::vector<size_t> output_bytes() const;
  // Bytes of intermediates (shared with the device's other programs) and of constants (this program's own).
  size_t arena_bytes() const { return arena_bytes_; }
  size_t constant_bytes() const { return constants_->size(); }

 private:
  struct Placed {
    Node node;
    StepPlan plan;
    bool constant;
    size_t constants_offset = 0;
    size_t workspace_offset = 0;
  };

  void prepare();
  void find_constants(std::vector<bool>* constant) const;
  void find_kept();
  void place();
  void share_storage(std::vector<int>* storage, const std::vector<int>& last_use) const;
  std::string busiest_layer(const std::vector<Lifetime>& lifetimes) const;
  void bind(std::byte* arena);
  void refresh_constants();
  void deliver(StagedInputs& inputs);
  void run_steps(std::span<Step* const> steps, size_t first_change, size_t* current, double* step_ms);
  bool is_finite(int id) const;
  [[noreturn]] void locate_non_finite(const NonFiniteError& error, size_t failed);

  std::shared_ptr<Device> device_;
  Graph graph_;
  std::vector<std::shared_ptr<Tensor>> tensors_;
  std::vector<Placed> steps_;
  std::vector<size_t> varying_;  // indices of the steps that are not constant
  std::vector<Step*> varying_steps_;
  size_t first_change_ = 0;  // among these: the first that writes to a tensor, or their number
  std::unique_ptr<Runner> runner_;
  std::vector<bool> is_constant_;    // per value
  std::vector<bool> is_kept_;        // per value: constant, and read by steps of a run
  std::vector<size_t> offset_;       // per value: in constants_ if kept, else in the arena
  std::vector<std::byte*> address_;  // per value
  std::vector<int> inputs_;          // value ids
  size_t arena_bytes_ = 0;
  std::string arena_purpose_;  // for the message when it cannot be had
  std::unique_ptr<Memory> constants_;
  std::byte* bound_arena_ = nullptr;
  bool bound_ = false;
  bool mutates_ = false;
  uint64_t constants_version_ = 0;
};

}  // namespace senet
