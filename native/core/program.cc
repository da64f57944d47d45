#include "core/program.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <utility>

#include "core/error.h"
#include "core/staged_inputs.h"

namespace senet {

namespace {

bool is_tensor(const Value& value) {
  return value.kind == ValueKind::kParameter || value.kind == ValueKind::kState;
}

// Whether the exponents of all numbers, the given bits, are that of a finite one.
template <typename Bits>
bool all_finite(const std::vector<std::byte>& numbers, Bits exponent) {
  for (size_t i = 0; i < numbers.size(); i += sizeof(Bits)) {
    Bits bits;
    std::memcpy(&bits, numbers.data() + i, sizeof bits);
    if ((bits & exponent) == exponent) return false;
  }
  return true;
}

}  // namespace

Program::Program(std::shared_ptr<Device> device, Graph graph, std::vector<std::shared_ptr<Tensor>> tensors)
    : device_(std::move(device)), graph_(std::move(graph)), tensors_(std::move(tensors)) {
  size_t next = 0;
  for (const Value& value : graph_.values) {
    if (!is_tensor(value)) continue;
    if (next == tensors_.size() || tensors_[next]->size() != value.bytes()) {
      throw Error(ErrorCode::kArgument, "compile: tensor for '" + value.name + "': expected " +
                                            std::to_string(value.bytes()) + " bytes");
    }
    ++next;
  }
  if (next != tensors_.size()) throw Error(ErrorCode::kArgument, "compile: more tensors than the graph has");
  graph_ = device_->backend().lower(std::move(graph_));
  runner_ = device_->backend().make_runner();
  prepare();
  find_kept();
  place();
}

// Which values never change while this program runs: parameters, states, and what follows from them alone.
void Program::find_constants(std::vector<bool>* constant) const {
  constant->assign(graph_.values.size(), false);
  for (size_t i = 0; i < graph_.values.size(); ++i) (*constant)[i] = is_tensor(graph_.values[i]);
  for (const Node& node : graph_.nodes) {
    const bool all = std::all_of(node.inputs.begin(), node.inputs.end(),
                                 [&](int id) { return id == kAbsent || (*constant)[id]; });
    for (int id : node.outputs) {
      if (id != kAbsent) (*constant)[id] = all;
    }
  }
}

void Program::prepare() {
  const Backend& backend = device_->backend();
  const auto prepare_node = [&](const Node& node) {
    PrepareContext context{graph_, node, {}};
    for (int id : node.inputs) context.constant_input.push_back(id == kAbsent || is_constant_[id]);
    return backend.prepare(context);
  };
  // What a program writes to is not constant; only nodes without outputs write to tensors.
  is_constant_.assign(graph_.values.size(), false);
  for (const Node& node : graph_.nodes) {
    mutates_ = mutates_ || (node.outputs.empty() && prepare_node(node).mutates);
  }
  if (!mutates_) find_constants(&is_constant_);

  for (const Node& node : graph_.nodes) {
    const bool constant = std::any_of(node.outputs.begin(), node.outputs.end(),
                                      [&](int id) { return id != kAbsent && is_constant_[id]; });
    if (!constant) varying_.push_back(steps_.size());
    steps_.push_back({node, prepare_node(node), constant});
  }
  for (size_t i : varying_) varying_steps_.push_back(steps_[i].plan.step.get());
  const auto changes = [&](size_t i) { return steps_[i].plan.mutates; };
  first_change_ =
      static_cast<size_t>(std::find_if(varying_.begin(), varying_.end(), changes) - varying_.begin());
}

// Of the constants, those that a run reads: the others last while constants are refreshed.
void Program::find_kept() {
  is_kept_.assign(graph_.values.size(), false);
  const auto keep = [&](int id) {
    if (id != kAbsent && !is_tensor(graph_.values[id])) is_kept_[id] = is_constant_[id];
  };
  for (int id : graph_.outputs) keep(id);
  for (size_t i : varying_) {
    const std::vector<int>& inputs = steps_[i].node.inputs;
    const std::vector<size_t>& packs = steps_[i].plan.packs;
    for (size_t at = 0; at < inputs.size(); ++at) {
      if (std::find(packs.begin(), packs.end(), at) == packs.end()) keep(inputs[at]);
    }
  }
}

// Lets an output take over the memory of an input that dies with the step, where the step allows it.
void Program::share_storage(std::vector<int>* storage, const std::vector<int>& last_use) const {
  for (size_t step = 0; step < steps_.size(); ++step) {
    const Node& node = steps_[step].node;
    for (const auto& [output, input] : steps_[step].plan.reuse) {
      const int to = node.output(output);
      const int from = node.input(input);
      if (to == kAbsent || from == kAbsent || (*storage)[to] != to) continue;
      const Value& value = graph_.values[from];
      const bool free_to_take = !is_tensor(value) && !is_constant_[from] && !is_constant_[to] &&
                                last_use[from] == static_cast<int>(step) &&
                                value.bytes() == graph_.values[to].bytes();
      const bool used_twice =
          std::count(node.inputs.begin(), node.inputs.end(), from) > 1 ||
          std::any_of(node.outputs.begin(), node.outputs.end(), [&](int other) {
            return other != kAbsent && other != to && (*storage)[other] == (*storage)[from];
          });
      if (free_to_take && !used_twice) (*storage)[to] = (*storage)[from];
    }
  }
}

void Program::place() {
  const int count = static_cast<int>(graph_.values.size());
  const int end = static_cast<int>(steps_.size());
  std::vector<int> first(count, end), last(count, -1);
  for (int i = 0; i < count; ++i) {
    if (graph_.values[i].kind == ValueKind::kInput) {
      inputs_.push_back(i);
      first[i] = last[i] = 0;
    }
  }
  for (int step = 0; step < end; ++step) {
    for (int id : steps_[step].node.inputs) {
      if (id != kAbsent) last[id] = step;
    }
    for (int id : steps_[step].node.outputs) {
      if (id == kAbsent) continue;
      first[id] = step;
      last[id] = std::max(last[id], step);
    }
  }
  for (int id : graph_.outputs) last[id] = end;

  std::vector<int> storage(count);
  for (int i = 0; i < count; ++i) storage[i] = i;
  share_storage(&storage, last);
  for (int i = 0; i < count; ++i) {
    first[storage[i]] = std::min(first[storage[i]], first[i]);
    last[storage[i]] = std::max(last[storage[i]], last[i]);
  }

  // Two times, one behind the other: first constants are refreshed, then a run is done.
  std::vector<Lifetime> lifetimes;
  const auto add = [&](bool refreshing, size_t bytes, int from, int to) {
    const int begin = refreshing ? 0 : end + 1;
    lifetimes.push_back({bytes, begin + from, begin + to});
    return static_cast<int>(lifetimes.size()) - 1;
  };
  std::vector<int> slot(count, -1);
  size_t constants = 0;
  offset_.assign(count, 0);
  for (int i = 0; i < count; ++i) {
    if (is_tensor(graph_.values[i]) || storage[i] != i || last[i] < 0) continue;
    if (is_kept_[i]) {
      offset_[i] = constants;
      constants += align_up(graph_.values[i].bytes());
    } else {
      slot[i] = add(is_constant_[i], graph_.values[i].bytes(), first[i], last[i]);
    }
  }
  const size_t workspaces = lifetimes.size();
  for (int step = 0; step < end; ++step) {
    add(steps_[step].constant, steps_[step].plan.workspace_bytes, step, step);
    steps_[step].constants_offset = constants;
    constants += align_up(steps_[step].plan.constant_bytes);
  }
  const MemoryPlan plan = plan_memory(lifetimes);
  for (int i = 0; i < count; ++i) {
    if (slot[storage[i]] >= 0) offset_[i] = plan.offsets[slot[storage[i]]];
  }
  for (int step = 0; step < end; ++step) steps_[step].workspace_offset = plan.offsets[workspaces + step];

  arena_bytes_ = plan.bytes;
  const std::string where = "most in use at " + busiest_layer(lifetimes);
  arena_purpose_ = "the intermediates of a program, " + where;
  if (device_->memory_limit() != 0 && arena_bytes_ + constants > device_->memory_limit()) {
    throw Error(ErrorCode::kOutOfMemory, "the program needs " + std::to_string(arena_bytes_ + constants) +
                                             " bytes, the memory limit is " +
                                             std::to_string(device_->memory_limit()) + "; " + where);
  }
  constants_ = device_->backend().allocate(constants, "the constants of a program");
}

// Where the most bytes are alive at once.
std::string Program::busiest_layer(const std::vector<Lifetime>& lifetimes) const {
  if (steps_.empty()) return "no layer";
  // Beside each step, and behind the last one, twice as place() does.
  const size_t times = steps_.size() + 1;
  std::vector<size_t> alive(2 * times, 0);
  for (const Lifetime& one : lifetimes) {
    for (int i = one.first; i <= one.last; ++i) alive[i] += one.bytes;
  }
  const size_t most = static_cast<size_t>(std::max_element(alive.begin(), alive.end()) - alive.begin());
  return steps_[std::min(most % times, steps_.size() - 1)].node.layer;
}

void Program::bind(std::byte* arena) {
  const size_t count = graph_.values.size();
  address_.assign(count, nullptr);
  size_t next_tensor = 0;
  for (size_t i = 0; i < count; ++i) {
    if (is_tensor(graph_.values[i])) {
      address_[i] = tensors_[next_tensor++]->data();
    } else {
      address_[i] = (is_kept_[i] ? constants_->data() : arena) + offset_[i];
    }
  }
  for (Placed& step : steps_) {
    Binding binding;
    for (int id : step.node.inputs) binding.inputs.push_back(id == kAbsent ? nullptr : address_[id]);
    for (int id : step.node.outputs) binding.outputs.push_back(id == kAbsent ? nullptr : address_[id]);
    if (step.plan.workspace_bytes > 0) binding.workspace = arena + step.workspace_offset;
    if (step.plan.constant_bytes > 0) binding.constants = constants_->data() + step.constants_offset;
    step.plan.step->bind(binding);
  }
  bound_arena_ = arena;
  bound_ = true;
  runner_->rebound();
}

void Program::refresh_constants() {
  if (constants_version_ == device_->tensor_version()) return;
  // In order: what a step derives may come from the constant steps before it.
  for (Placed& placed : steps_) {
    Step* const step = placed.plan.step.get();
    if (placed.plan.constant_bytes > 0) step->refresh();
    size_t current = 0;
    if (placed.constant) run_steps({&step, 1}, 1, &current, nullptr);
  }
  constants_version_ = device_->tensor_version();
}

void Program::deliver(StagedInputs& inputs) {
  for (size_t i = 0; i < inputs_.size(); ++i) inputs.deliver(i, address_[inputs_[i]]);
}

void Program::run_steps(std::span<Step* const> steps, size_t first_change, size_t* current, double* step_ms) {
  runner_->run(
      steps, first_change, [this] { return device_->stopping(); }, current, step_ms);
}

void Program::run(StagedInputs& inputs, std::span<std::vector<std::byte>> outputs,
                  std::vector<double>* step_ms) {
  if (&inputs.program() != this) throw Error(ErrorCode::kArgument, "run: expected inputs of the program");
  std::byte* arena = device_->reserve_arena(arena_bytes_, arena_purpose_);
  if (!bound_ || arena != bound_arena_) bind(arena);
  refresh_constants();  // before the inputs arrive, whose memory its steps may use
  deliver(inputs);
  // Whatever happens below, the tensors may have been written to.
  if (mutates_) device_->tensors_changed();

  std::vector<double> ms(step_ms == nullptr ? 0 : varying_.size());
  size_t current = 0;
  try {
    run_steps(varying_steps_, first_change_, &current, step_ms == nullptr ? nullptr : ms.data());
  } catch (const NonFiniteError& error) {
    if (error.tensor() != "loss") throw;
    deliver(inputs);
    locate_non_finite(error, current);
  }
  if (step_ms != nullptr) {
    step_ms->assign(steps_.size(), 0.0);
    for (size_t i = 0; i < varying_.size(); ++i) (*step_ms)[varying_[i]] = ms[i];
  }
  for (size_t i = 0; i < outputs.size(); ++i) {
    device_->backend().copy_out(outputs[i].data(), address_[graph_.outputs[i]], outputs[i].size());
  }
}

bool Program::is_finite(int id) const {
  const Value& value = graph_.values[id];
  std::vector<std::byte> host(value.bytes());
  device_->backend().copy_out(host.data(), address_[id], value.bytes());
  if (value.dtype == DType::kFloat32) return all_finite<uint32_t>(host, 0x7F800000u);
  if (value.dtype == DType::kFloat16) return all_finite<uint16_t>(host, 0x7C00u);
  return value.dtype != DType::kBFloat16 || all_finite<uint16_t>(host, 0x7F80u);
}

// Repeats the steps before the failed check, which have changed no tensor, one by one, and looks at each
// result.
void Program::locate_non_finite(const NonFiniteError& error, size_t failed) {
  for (size_t i = 0; i < failed; ++i) {
    size_t current = 0;
    run_steps({&varying_steps_[i], 1}, 1, &current, nullptr);
    const Node& node = steps_[varying_[i]].node;
    for (int id : node.outputs) {
      if (id == kAbsent || is_finite(id)) continue;
      throw NonFiniteError(node.layer, id == graph_.outputs[0] ? "loss" : "activation");
    }
  }
  throw error;
}

std::vector<Program::StepInfo> Program::steps() const {
  std::vector<StepInfo> result;
  for (const Placed& step : steps_) {
    result.push_back({step.node.op, step.node.layer, step.plan.implementation, step.constant,
                      cost_of(graph_, step.node, step.plan)});
  }
  return result;
}

std::vector<size_t> Program::input_bytes() const {
  std::vector<size_t> result;
  for (int id : inputs_) result.push_back(graph_.values[id].bytes());
  return result;
}

std::vector<size_t> Program::output_bytes() const {
  std::vector<size_t> result;
  for (int id : graph_.outputs) result.push_back(graph_.values[id].bytes());
  return result;
}

}  // namespace senet
