// Plain convolutions in all directions and types.
#include <utility>

#include "support.h"

namespace senet::cuda::test {

namespace {

struct Shape {
  const char* name;
  void (*change)(ConvolutionProblem* problem);  // of usual_problem()
};

constexpr Shape kShapes[] = {
    {"3x3", [](ConvolutionProblem*) {}},
    {"1x1",
     [](ConvolutionProblem* p) {
       p->kernel = {1, 1}, p->padding = {};
     }},
    {"stride 2",
     [](ConvolutionProblem* p) {
       p->stride = {2, 2};
     }},
    {"strides 1 and 2",
     [](ConvolutionProblem* p) {
       p->stride = {1, 2};
     }},
    {"dilation 2",
     [](ConvolutionProblem* p) {
       p->dilation = {2, 2}, p->padding = {2, 2, 2, 2};
     }},
    {"padding after only",
     [](ConvolutionProblem* p) {
       p->stride = {2, 2}, p->padding = {0, 1, 0, 1};
     }},
    {"padding before only",
     [](ConvolutionProblem* p) {
       p->padding = {2, 0, 1, 0};
     }},
    {"4 groups", [](ConvolutionProblem* p) { p->groups = 4; }},
    {"depthwise", [](ConvolutionProblem* p) { p->groups = p->out_channels = p->in_channels; }},
    {"depthwise with 2 filters a channel",
     [](ConvolutionProblem* p) { p->groups = 16, p->out_channels = 32; }},
    {"odd channels", [](ConvolutionProblem* p) { p->in_channels = 3, p->out_channels = 5; }},
    {"stem",
     [](ConvolutionProblem* p) {
       p->in_channels = 3, p->kernel = {7, 7}, p->stride = {2, 2}, p->padding = {3, 3, 3, 3};
     }},
    {"kernel 1x5",
     [](ConvolutionProblem* p) {
       p->kernel = {1, 5}, p->padding = {0, 0, 2, 2};
     }},
    {"one image, one pixel",
     [](ConvolutionProblem* p) {
       p->images = p->in_height = p->in_width = 1, p->kernel = {1, 1}, p->padding = {};
     }},
    {"one of everything",
     [](ConvolutionProblem* p) {
       p->images = p->in_height = p->in_width = p->in_channels = p->out_channels = 1;
       p->kernel = {1, 1}, p->padding = {};
     }},
};

constexpr std::pair<const char*, ConvolutionDirection> kDirections[] = {
    {"forward", ConvolutionDirection::kForward},
    {"grad_input", ConvolutionDirection::kGradInput},
    {"grad_weight", ConvolutionDirection::kGradWeight},
};

}  // namespace

std::vector<Case> convolution_cases() {
  std::vector<Case> cases;
  for (const Shape& shape : kShapes) {
    for (const auto& [name, direction] : kDirections) {
      for (const Storage storage : kStorages) {
        ConvolutionProblem problem = usual_problem(direction, storage);
        shape.change(&problem);
        cases.push_back(
            {std::string("conv ") + shape.name + ", " + name + ", " + name_of(storage), [problem] {
               DnnOptions options = Session::without_files();
               options.deterministic = true;
               Session session(options);
               check_convolution(&session, problem, tolerance_of(problem.storage));
             }});
      }
    }
  }
  for (const Storage storage : {Storage::kFloat16, Storage::kBFloat16}) {
    ConvolutionProblem problem = usual_problem(ConvolutionDirection::kGradWeight, storage);
    problem.weight_gradient = Storage::kFloat32;
    cases.push_back({std::string("conv grad_weight in float32 of ") + name_of(storage), [problem] {
                       Session session;
                       check_convolution(&session, problem, tolerance_of(Storage::kFloat32));
                     }});
  }
  return cases;
}

}  // namespace senet::cuda::test
