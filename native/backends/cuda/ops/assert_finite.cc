// assert_finite: the first value that holds a NaN or an infinity is reported when the run is over; until then nothing
// is written to parameters and states (Kit::failed).
#include "backends/cuda/ops/tensor_list.h"
#include "core/error.h"
#include "core/memory_plan.h"

namespace senet::cuda {

namespace {

class AssertFiniteStep final : public Step {
 public:
  AssertFiniteStep(const Kit& kit, TensorList<FiniteTensor> tensors, std::vector<size_t> inputs,
                   std::vector<std::string> names, std::string what)
      : stream_(kit.stream),
        failed_(kit.failed),
        tensors_(std::move(tensors)),
        inputs_(std::move(inputs)),
        names_(std::move(names)),
        what_(std::move(what)),
        found_(bad_bytes()) {}

  size_t constant_bytes() const { return align_up(tensors_.bytes()) + bad_bytes(); }

  void bind(const Binding& binding) override {
    for (size_t t = 0; t < inputs_.size(); ++t) tensors_[t].values = binding.inputs[inputs_[t]];
    tensors_.upload(binding.constants, *stream_);
    bad_ =
        reinterpret_cast<int32_t*>(static_cast<std::byte*>(binding.constants) + align_up(tensors_.bytes()));
  }

  void run() override {
    if (tensors_.count() == 0) return;
    check_cuda(cudaMemsetAsync(bad_, 0, bad_bytes(), stream_->get()), "clearing a check");
    find_non_finite(tensors_.device(), tensors_.count(), tensors_.largest(), bad_, failed_, stream_->get());
    check_cuda(cudaMemcpyAsync(found_.data(), bad_, bad_bytes(), cudaMemcpyDeviceToHost, stream_->get()),
               "reading a check");
  }

  void settle() override {
    const auto* found = static_cast<const int32_t*>(found_.data());
    for (size_t t = 0; t < names_.size(); ++t) {
      if (found[t] != 0) throw NonFiniteError(names_[t], what_);
    }
  }

 private:
  size_t bad_bytes() const { return static_cast<size_t>(tensors_.count()) * sizeof(int32_t); }

  std::shared_ptr<const Stream> stream_;
  int32_t* failed_;
  TensorList<FiniteTensor> tensors_;
  std::vector<size_t> inputs_;  // position of each tensor among the inputs
  std::vector<std::string> names_;
  std::string what_;
  PinnedMemory found_;
  int32_t* bad_ = nullptr;
};

}  // namespace

StepPlan prepare_assert_finite(const Kit& kit, const PrepareContext& context) {
  const Node& node = context.node;
  require_operands(node, node.inputs.size(), 0);
  TensorList<FiniteTensor> tensors;
  std::vector<size_t> inputs;
  std::vector<std::string> names;
  for (size_t i = 0; i < node.inputs.size(); ++i) {
    if (!is_float(context.in(i))) continue;  // integers are always finite
    FiniteTensor tensor{};
    tensor.elements = context.in(i).elements();
    tensor.storage = storage_of(context.in(i));
    tensors.add(tensor);
    inputs.push_back(i);
    names.push_back(context.in(i).name);
  }
  auto step = std::make_unique<AssertFiniteStep>(kit, std::move(tensors), std::move(inputs), std::move(names),
                                                 node.text("what"));
  StepPlan plan;
  plan.constant_bytes = step->constant_bytes();
  plan.step = std::move(step);
  plan.implementation = "find_non_finite";
  return plan;
}

}  // namespace senet::cuda
