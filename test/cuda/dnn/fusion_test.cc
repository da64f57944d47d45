// Everything that is fused into convolutions.
#include "support.h"

namespace senet::cuda::test {

namespace {

struct Fused {
  const char* name;
  ConvolutionFusion fusion;
};

const Fused kFused[] = {
    {"bias", {.bias = true}},
    {"bias, relu", {.bias = true, .relu = true}},
    {"gate", {.gate = true}},
    {"residual", {.residual = true}},
    {"bias, gate, residual, relu", {.bias = true, .gate = true, .residual = true, .relu = true}},
    {"sums", {.sums = true}},
    {"bias, relu, sums", {.bias = true, .relu = true, .sums = true}},
    {"statistics", {.statistics = true}},
    {"input_norm", {.input_norm = true}},
    {"input_norm, statistics", {.input_norm = true, .statistics = true}},
    {"everything",
     {.input_norm = true,
      .bias = true,
      .gate = true,
      .residual = true,
      .relu = true,
      .sums = true,
      .statistics = true}},
};

}  // namespace

std::vector<Case> fusion_cases() {
  std::vector<Case> cases;
  for (const Storage storage : kStorages) {
    for (const auto& [name, fusion] : kFused) {
      ConvolutionProblem problem = usual_problem(ConvolutionDirection::kForward, storage);
      problem.tf32 = true;
      problem.fusion = fusion;
      cases.push_back({std::string("fused ") + name + ", " + name_of(storage), [problem] {
                         Session session;
                         // Factors in TF32 are off by 2^-11 each.
                         const bool float32 = problem.storage == Storage::kFloat32;
                         check_convolution(&session, problem,
                                           float32 ? 2e-3 : 2 * tolerance_of(problem.storage));
                       }});
    }
    ConvolutionProblem problem = usual_problem(ConvolutionDirection::kGradInput, storage);
    problem.fusion.accumulate = true;
    cases.push_back({std::string("fused accumulate, ") + name_of(storage), [problem] {
                       DnnOptions options = Session::without_files();
                       options.deterministic = true;
                       Session session(options);
                       check_convolution(&session, problem, tolerance_of(problem.storage));
                     }});
  }
  cases.push_back({"fused bias, relu in exact float32", [] {
                     ConvolutionProblem problem =
                         usual_problem(ConvolutionDirection::kForward, Storage::kFloat32);
                     problem.fusion.bias = problem.fusion.relu = true;
                     Session session;
                     check_convolution(&session, problem, tolerance_of(Storage::kFloat32));
                   }});
  return cases;
}

}  // namespace senet::cuda::test
