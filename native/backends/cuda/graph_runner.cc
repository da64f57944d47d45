#include "backends/cuda/graph_runner.h"

#include <algorithm>

#include "core/error.h"

namespace senet::cuda {

namespace {

void stop_if(const std::function<bool()>& stopping) {
  if (stopping()) throw Error(ErrorCode::kStopped, "the environment is going away");
}

}  // namespace

void GraphRunner::run(std::span<Step* const> steps, const std::function<bool()>& stopping, size_t* current,
                      double* step_ms) {
  const bool again = std::equal(steps.begin(), steps.end(), last_.begin(), last_.end());
  stop_if(stopping);
  *current = 0;
  if (step_ms != nullptr) {
    queue_timed(steps, current, step_ms);
  } else {
    // A single step is no work that a graph would make shorter.
    if (again && graph_ == nullptr && steps.size() > 1) capture(steps, stopping, current);
    if (again && graph_ != nullptr) {
      check_cuda(cudaGraphLaunch(graph_, stream_->get()), "launching a program");
    } else {
      queue(steps, stopping, current);
    }
    if (!again) {
      drop_graph();
      last_.assign(steps.begin(), steps.end());
    }
  }
  stream_->synchronize();
  for (*current = 0; *current < steps.size(); ++*current) steps[*current]->settle();
}

void GraphRunner::rebound() {
  drop_graph();
  last_.clear();
}

void GraphRunner::queue(std::span<Step* const> steps, const std::function<bool()>& stopping,
                        size_t* current) {
  clear_failed();
  for (*current = 0; *current < steps.size(); ++*current) {
    stop_if(stopping);
    steps[*current]->run();
  }
}

void GraphRunner::queue_timed(std::span<Step* const> steps, size_t* current, double* step_ms) {
  std::vector<Event> events(steps.size() + 1);
  clear_failed();
  events[0].record(*stream_);
  for (*current = 0; *current < steps.size(); ++*current) {
    steps[*current]->run();
    events[*current + 1].record(*stream_);
  }
  stream_->synchronize();
  for (size_t i = 0; i < steps.size(); ++i) step_ms[i] = Event::milliseconds(events[i], events[i + 1]);
}

void GraphRunner::capture(std::span<Step* const> steps, const std::function<bool()>& stopping,
                          size_t* current) {
  check_cuda(cudaStreamBeginCapture(stream_->get(), cudaStreamCaptureModeThreadLocal), "capturing a program");
  cudaGraph_t graph = nullptr;
  try {
    queue(steps, stopping, current);
  } catch (...) {
    // Ends the capture, whose graph is of no use.
    if (cudaStreamEndCapture(stream_->get(), &graph) == cudaSuccess) cudaGraphDestroy(graph);
    cudaGetLastError();
    throw;
  }
  check_cuda(cudaStreamEndCapture(stream_->get(), &graph), "capturing a program");
  const cudaError_t made = cudaGraphInstantiate(&graph_, graph, 0);
  cudaGraphDestroy(graph);
  if (made != cudaSuccess) graph_ = nullptr;
  check_cuda(made, "making a program of the capture");
}

void GraphRunner::clear_failed() {
  check_cuda(cudaMemsetAsync(failed_, 0, sizeof(int32_t), stream_->get()), "starting a run");
}

void GraphRunner::drop_graph() {
  if (graph_ != nullptr) cudaGraphExecDestroy(graph_);
  graph_ = nullptr;
}

}  // namespace senet::cuda
