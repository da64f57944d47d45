// Wrong use: each mistake is an error that names the layer, and the Dnn stays usable.
#include <memory>

#include "core/error.h"
#include "support.h"

namespace senet::cuda::test {

namespace {

using Direction = ConvolutionDirection;

// A float32 forward convolution with good addresses, to be spoilt.
struct Prepared {
  Session session;
  ConvolutionProblem problem = usual_problem(Direction::kForward, Storage::kFloat32);
  Operands operands = random_operands(problem);
  DeviceArray x{operands.x, Storage::kFloat32}, weight{operands.weight, Storage::kFloat32},
      y{operands.y, Storage::kFloat32};
  ConvolutionAddresses addresses;

  Prepared() { addresses.x = x.get(), addresses.weight = weight.get(), addresses.y = y.get(); }
  Plan plan() { return session.dnn().plan("layer", problem); }
};

void missing_address() {
  Prepared p;
  p.addresses.weight = nullptr;
  expect_error("layer: weight: no address", [&] { p.plan().bind("layer", p.addresses, nullptr); });
  p.problem.fusion.bias = true;
  p.addresses.weight = p.weight.get();
  expect_error("layer: bias: no address", [&] { p.plan().bind("layer", p.addresses, nullptr); });
}

void misaligned_address() {
  Prepared p;
  p.addresses.x = static_cast<char*>(p.x.get()) + 4;
  expect_error("layer: x: address not aligned", [&] { p.plan().bind("layer", p.addresses, nullptr); });
}

void missing_workspace() {
  Prepared p;
  p.problem.tf32 = true;
  expect(p.plan().workspace_bytes() > 0, "the test needs a plan with a workspace");
  expect_error("layer: workspace: no address", [&] { p.plan().bind("layer", p.addresses, nullptr); });
}

void freed_memory() {
  Prepared p;
  auto y = std::make_unique<DeviceArray>(p.operands.y, Storage::kFloat32);
  p.addresses.y = y->get();
  const DnnCall call = p.plan().bind("layer", p.addresses, nullptr);
  y.reset();
  expect_error(
      "layer: cuDNN: cudnnBackendExecute: CUDNN_STATUS_BAD_PARAM tensor 3 is not inside one live allocation",
      [&] { call.run(); });
  check_convolution(&p.session, p.problem, 1e-6);
}

void overlapping_memory() {
  Prepared p;
  p.problem.out_channels = p.problem.in_channels;
  p.addresses.y = p.x.get();
  const DnnCall call = p.plan().bind("layer", p.addresses, nullptr);
  expect_error("a result overlaps an input", [&] { call.run(); });
}

void impossible_problems() {
  Session session;
  const auto refused = [&](const char* text, void (*spoil)(ConvolutionProblem*)) {
    ConvolutionProblem problem = usual_problem(Direction::kForward, Storage::kFloat32);
    spoil(&problem);
    expect_error(std::string("layer: ") + text, [&] { session.dnn().plan("layer", problem); });
  };
  refused("sizes must be positive", [](ConvolutionProblem* p) { p->images = 0; });
  refused("sizes must be positive", [](ConvolutionProblem* p) { p->stride = {0, 1}; });
  refused("padding must not be negative", [](ConvolutionProblem* p) { p->padding[2] = -1; });
  refused("groups must divide the channels", [](ConvolutionProblem* p) { p->groups = 3; });
  refused("the kernel must fit", [](ConvolutionProblem* p) { p->kernel = {12, 3}; });
  refused("only a forward convolution has these fused", [](ConvolutionProblem* p) {
    p->direction = Direction::kGradWeight;
    p->fusion.bias = true;
  });
  refused("only the gradient of the input accumulates",
          [](ConvolutionProblem* p) { p->fusion.accumulate = true; });
}

void two_transposed_matrices() {
  MatrixProblem problem;
  problem.transpose_a = problem.transpose_b = true;
  problem.rows = problem.columns = problem.depth = 2;
  expect_error("layer: the product of two transposed matrices", [&] { as_convolution("layer", problem); });
}

void device_description_here() {
  DnnOptions options = Session::without_files();
  options.device_description = "{}";
  expect_error("device: cuDNN: ", [&] { Dnn dnn(options); });
}

}  // namespace

std::vector<Case> wrong_use_cases() {
  return {{"wrong use: missing address", missing_address},
          {"wrong use: misaligned address", misaligned_address},
          {"wrong use: missing workspace", missing_workspace},
          {"wrong use: freed memory", freed_memory},
          {"wrong use: overlapping memory", overlapping_memory},
          {"wrong use: impossible problems", impossible_problems},
          {"wrong use: two transposed matrices", two_transposed_matrices},
          {"wrong use: a description of a device, on the emulation", device_description_here}};
}

}  // namespace senet::cuda::test
