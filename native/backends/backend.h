// The one interface between the core and a backend (a device kind's implementation of ops).
//
// The core owns order, the plan of memory and the thread; a backend owns memory itself, layouts, kernels and
// libraries. To compile a program the core calls lower() once, prepare() for each node, plans memory from
// what the steps ask for, and bind()s each step to addresses. After that the backend's Runner puts the steps
// to work: it allocates nothing and looks nothing up.
#pragma once

#include <cstddef>
#include <functional>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "core/graph.h"

namespace senet {

// Bytes on a device, freed with the object.
class Memory {
 public:
  virtual ~Memory() = default;
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;

  // An address for the backend; only it knows whether the host can read there.
  std::byte* data() const { return data_; }
  size_t size() const { return size_; }

 protected:
  Memory(std::byte* data, size_t size) : data_(data), size_(size) {}

 private:
  std::byte* data_;
  size_t size_;
};

// Host memory in which the inputs of one run are laid out, data() for everybody to write to, and their way from there
// to the device, which they can go while it computes.
class Staging : public Memory {
 public:
  // Begins to send bytes, which must not change until the run is done. From any thread, one at a time; what fails
  // is told by deliver().
  virtual void send(size_t offset, size_t bytes) = 0;
  // Copies bytes that were sent to where all that runs later finds them. Any number of times.
  virtual void deliver(std::byte* to, size_t offset, size_t bytes) = 0;

 protected:
  using Memory::Memory;
};

// Addresses of one node's operands, given to bind(). Absent operands are null.
struct Binding {
  std::vector<const void*> inputs;
  std::vector<void*> outputs;
  void* workspace = nullptr;  // valid during run() only; shared with the other steps
  void* constants = nullptr;  // this step's own, kept between runs; filled by refresh()
};

// One node of a compiled program.
class Step {
 public:
  virtual ~Step() = default;
  // Takes the addresses; called again whenever they change, never during run().
  virtual void bind(const Binding& binding) = 0;
  // Computes the outputs, or queues the work that does. Throws Error.
  virtual void run() = 0;
  // Called after the work of a run is done, for what only then is known. Throws Error.
  virtual void settle() {}
  // Recomputes what the step derives from constant inputs (packed weights). Called before the first run and
  // after a parameter has changed, only when StepPlan::constant_bytes is not 0.
  virtual void refresh() {}
};

// What prepare() hands back for a node.
struct StepPlan {
  std::unique_ptr<Step> step;
  size_t workspace_bytes = 0;
  size_t constant_bytes = 0;
  // Positions of constant inputs that refresh() alone reads. Their memory is another's when run() is called.
  std::vector<size_t> packs;
  // (output, input) positions: the output may take over the input's memory if nothing reads the input later.
  // Both must have the same storage size, and run() must be right in both cases.
  std::vector<std::pair<int, int>> reuse;
  // Bytes moved beyond a read of each input and a write of each output: second passes, what goes through the
  // workspace.
  size_t extra_bytes = 0;
  // The step writes to parameters or states among its inputs (the optimizer's steps do).
  bool mutates = false;
  // Name of the chosen implementation, for profiles ("jit:avx2", "norm_tail:8").
  std::string implementation;
};

// What a backend may know about a node while preparing it.
struct PrepareContext {
  const Graph& graph;
  const Node& node;
  // Per input position: the value never changes while the program runs (a parameter in inference).
  std::vector<bool> constant_input;

  const Value& in(size_t i) const { return graph.values[node.input(i)]; }
  const Value& out(size_t i) const { return graph.values[node.output(i)]; }
  // Of those inputs that are given.
  size_t input_bytes(std::initializer_list<size_t> positions) const {
    size_t bytes = 0;
    for (size_t i : positions) bytes += node.has_input(i) ? in(i).bytes() : 0;
    return bytes;
  }
};

// How the steps of one program are put to work. One run at a time, on the device's thread.
class Runner {
 public:
  virtual ~Runner() = default;
  // Runs and settles the steps in order and waits for them. Those from `first_change` on change tensors: when the
  // device refuses one of these, none of them is done. `*current` is the index of the step at work, and
  // of the failed one when it throws. `stopping` is asked now and then; when it says so, the run ends with an
  // Error (kStopped). With `step_ms`, an array as long as `steps`, each step's milliseconds are written
  // there.
  virtual void run(std::span<Step* const> steps, size_t first_change, const std::function<bool()>& stopping,
                   size_t* current, double* step_ms) = 0;
  // The steps have new addresses.
  virtual void rebound() {}
};

// All but description() and supported_ops() is called on the device's thread, where enter_thread() comes
// first.
class Backend {
 public:
  virtual ~Backend() = default;
  // Zeroed memory; throws Error(kOutOfMemory) naming the bytes and `purpose`.
  virtual std::unique_ptr<Memory> allocate(size_t bytes, const std::string& purpose) const = 0;
  // Throws Error(kOutOfMemory) as allocate() does.
  virtual std::unique_ptr<Staging> make_staging(size_t bytes) const = 0;
  // Copies between the host and the device's memory. What is read has been computed, what is written is seen
  // by all that runs later.
  virtual void copy_in(std::byte* to, const std::byte* from, size_t bytes) const = 0;
  virtual void copy_out(std::byte* to, const std::byte* from, size_t bytes) const = 0;
  virtual std::unique_ptr<Runner> make_runner() const = 0;
  // Chooses a layout (Value::block) for each value and inserts the conversions this needs. Inputs,
  // parameters, states and outputs stay in their plain form (maps channels-last).
  virtual Graph lower(Graph graph) const = 0;
  // Makes the step of one node; throws Error(kUnsupported) naming the layer when the backend lacks the op.
  virtual StepPlan prepare(const PrepareContext& context) const = 0;
  // Whether the backend has the op at all; TypeScript decomposes what is missing.
  virtual std::vector<std::string> supported_ops() const = 0;
  // Called on the thread that will run programs, before anything else happens there.
  virtual void enter_thread() const = 0;
  // Called after work has failed: waits for what it had queued. False if the device can compute nothing any
  // more.
  virtual bool recover() const { return true; }
  // Library versions and instruction set, for reports.
  virtual std::string description() const = 0;
};

}  // namespace senet
