// Which plans are taken: precision, determinism, workspace, failures, timing.
#include <cmath>

#include "backends/cuda_sim/control.h"
#include "backends/cuda_sim/cudnn/control.h"
#include "core/error.h"
#include "support.h"

namespace senet::cuda::test {

namespace {

using Direction = ConvolutionDirection;

std::string chosen(const DnnOptions& options, const ConvolutionProblem& problem) {
  Session session(options);
  return session.dnn().plan("layer", problem).implementation();
}

void exact_and_tf32() {
  Session session;
  ConvolutionProblem problem = usual_problem(Direction::kForward, Storage::kFloat32);
  const double exact = check_convolution(&session, problem, 1e-6);
  problem.tf32 = true;
  const double tf32 = check_convolution(&session, problem, 0.05);
  expect(tf32 > 100 * exact, "TF32 was asked for and not used");
}

void determinism() {
  DnnOptions options = Session::without_files();
  const ConvolutionProblem problem = usual_problem(Direction::kGradWeight, Storage::kBFloat16);
  expect(chosen(options, problem) == "cudnn:eng2", "the first suggestion should do");
  options.deterministic = true;
  expect(chosen(options, problem) == "cudnn:eng1", "an engine that is not deterministic was taken");
}

void workspace_limit() {
  DnnOptions options = Session::without_files();
  options.deterministic = true;
  options.workspace_limit = 0;
  const ConvolutionProblem problem = usual_problem(Direction::kForward, Storage::kFloat16);
  expect(chosen(options, problem) == "cudnn:eng0", "the plan without a workspace should be taken");
}

void next_after_a_failure() {
  DnnOptions options = Session::without_files();
  options.deterministic = true;
  sim_cudnn_fail_plan(1);
  const ConvolutionProblem problem = usual_problem(Direction::kForward, Storage::kFloat16);
  expect(chosen(options, problem) == "cudnn:eng0", "the next suggestion should be taken");
}

void no_plan_at_all() {
  Session session;
  const ConvolutionProblem problem = usual_problem(Direction::kForward, Storage::kFloat16);
  sim_cudnn_fail_all_plans(1);
  expect(!session.dnn().supports(problem), "a plan was found although all fail");
  try {
    expect_error("layer: cuDNN: no plan for conv forward n=2", [&] { session.dnn().plan("layer", problem); });
  } catch (...) {
    sim_cudnn_fail_all_plans(0);
    throw;
  }
  sim_cudnn_fail_all_plans(0);
}

void one_plan_for_equal_problems() {
  Session session;
  const ConvolutionProblem problem = usual_problem(Direction::kForward, Storage::kFloat16);
  const uint64_t before = sim_cudnn_plans();
  session.dnn().plan("a", problem);
  session.dnn().plan("b", problem);
  expect(session.dnn().supports(problem), "not supported");
  expect(sim_cudnn_plans() == before + 1, "the problem was planned more than once");
}

void what_is_not_supported() {
  Session session;
  ConvolutionProblem problem = usual_problem(Direction::kForward, Storage::kBFloat16);
  problem.fusion.sums = true;
  problem.groups = 4;
  expect(!session.dnn().supports(problem), "sums of a grouped convolution");
  problem = usual_problem(Direction::kForward, Storage::kFloat32);
  problem.fusion.gate = true;
  expect(!session.dnn().supports(problem), "a gate in exact float32");
  problem = usual_problem(Direction::kGradWeight, Storage::kBFloat16);
  problem.in_channels = 3;
  expect(session.dnn().supports(problem), "odd channels");
  problem.weight_gradient = Storage::kFloat32;
  expect(!session.dnn().supports(problem), "a float32 gradient of 16-bit maps with odd channels");
  expect_error("no plan for conv grad_weight", [&] { session.dnn().plan("layer", problem); });
}

void sums_on_an_older_device() {
  ConvolutionProblem problem = usual_problem(Direction::kForward, Storage::kBFloat16);
  problem.fusion.sums = true;
  sim_cudnn_set_architecture(80);
  Session session;
  const bool supported = session.dnn().supports(problem);
  sim_cudnn_set_architecture(0);
  expect(!supported, "sums are fused on architecture 80");
}

void candidates() {
  Session session;
  const ConvolutionProblem problem = usual_problem(Direction::kForward, Storage::kFloat16);
  const auto plans = session.dnn().candidates(problem, 10);
  expect(plans.size() == 4, "expected 4 plans, got " + std::to_string(plans.size()));
  expect(session.dnn().candidates(problem, 2).size() == 2, "more than asked for");
}

void timed_choice() {
  DnnOptions options = Session::without_files();
  options.autotune = options.deterministic = true;
  Session session(options);
  check_convolution(&session, usual_problem(Direction::kForward, Storage::kFloat16), 1e-3);
  ConvolutionProblem problem = usual_problem(Direction::kGradInput, Storage::kFloat16);
  problem.fusion.accumulate = true;
  check_convolution(&session, problem, 1e-3);
}

void timing_without_memory() {
  DnnOptions options = Session::without_files();
  options.autotune = true;
  Session session(options);
  sim_fail_allocation(2);
  const Plan plan = session.dnn().plan("layer", usual_problem(Direction::kForward, Storage::kFloat16));
  expect(plan.implementation() == "cudnn:eng2", "the first suggestion should be taken");
}

void captured_call() {
  Session session;
  const ConvolutionProblem problem = usual_problem(Direction::kForward, Storage::kFloat32);
  const Operands operands = random_operands(problem);
  const auto f32 = Storage::kFloat32;
  const DeviceArray x(operands.x, f32), weight(operands.weight, f32);
  const DeviceArray y(std::vector<float>(operands.y.size(), NAN), f32);
  ConvolutionAddresses addresses;
  addresses.x = x.get(), addresses.weight = weight.get(), addresses.y = y.get();
  const DnnCall call = session.dnn().plan("layer", problem).bind("layer", addresses, nullptr);
  cudaGraph_t graph;
  cudaGraphExec_t executable;
  expect(cudaStreamBeginCapture(session.stream(), cudaStreamCaptureModeThreadLocal) == cudaSuccess, "begin");
  call.run();
  expect(cudaStreamEndCapture(session.stream(), &graph) == cudaSuccess, "end");
  expect(std::isnan(y.read()[0]), "the call ran while it was captured");
  expect(cudaGraphInstantiate(&executable, graph, 0) == cudaSuccess, "instantiate");
  expect(cudaGraphLaunch(executable, session.stream()) == cudaSuccess, "launch");
  session.synchronize();
  cudaGraphExecDestroy(executable);
  cudaGraphDestroy(graph);
  expect_close("y", y.read(), reference(problem, operands), 1e-6);
}

}  // namespace

std::vector<Case> planning_cases() {
  return {{"planning: exact float32 and TF32", exact_and_tf32},
          {"planning: determinism", determinism},
          {"planning: workspace limit", workspace_limit},
          {"planning: the next plan after a failure", next_after_a_failure},
          {"planning: no plan at all", no_plan_at_all},
          {"planning: one plan for equal problems", one_plan_for_equal_problems},
          {"planning: what is not supported", what_is_not_supported},
          {"planning: sums on an older device", sums_on_an_older_device},
          {"planning: candidates", candidates},
          {"planning: timed choice", timed_choice},
          {"planning: timing without memory", timing_without_memory},
          {"planning: a captured call", captured_call}};
}

}  // namespace senet::cuda::test
