#include "backends/cuda/graph_runner.h"

#include <algorithm>

#include "core/error.h"

namespace senet::cuda {

namespace {

void stop_if(const std::function<bool()>& stopping) {
  if (stopping()) throw Error(ErrorCode::kStopped, "the environment is going away");
}

}  // namespace

void GraphRunner::run(std::span<Step* const> steps, size_t first_change,
                      const std::function<bool()>& stopping, size_t* current, double* step_ms) {
  const bool again = std::equal(steps.begin(), steps.end(), last_.begin(), last_.end());
  stop_if(stopping);
  *current = 0;
  if (step_ms != nullptr) {
    queue_timed(steps, current, step_ms);
  } else {
    // A single step is no work that a graph would make shorter.
    if (again && graph_ == nullptr && steps.size() > 1) graph_ = capture(steps, 0, stopping, current);
    if (again && graph_ != nullptr) {
      launch(graph_);
    } else {
      queue(steps, 0, first_change, stopping, current);
      // Launched as one, so that no failure leaves only some of the tensors changed.
      if (first_change < steps.size()) launch(capture(steps, first_change, stopping, current));
    }
    if (!again) {
      graph_.reset();
      last_.assign(steps.begin(), steps.end());
    }
  }
  stream_->synchronize();
  for (*current = 0; *current < steps.size(); ++*current) steps[*current]->settle();
}

void GraphRunner::rebound() {
  graph_.reset();
  last_.clear();
}

void GraphRunner::queue(std::span<Step* const> steps, size_t begin, size_t end,
                        const std::function<bool()>& stopping, size_t* current) {
  if (begin == 0) clear_failed();
  for (*current = begin; *current < end; ++*current) {
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

GraphRunner::Graph GraphRunner::capture(std::span<Step* const> steps, size_t begin,
                                        const std::function<bool()>& stopping, size_t* current) {
  check_cuda(cudaStreamBeginCapture(stream_->get(), cudaStreamCaptureModeThreadLocal), "capturing a program");
  cudaGraph_t captured = nullptr;
  try {
    queue(steps, begin, steps.size(), stopping, current);
  } catch (...) {
    // Ends the capture, whose graph is of no use.
    if (cudaStreamEndCapture(stream_->get(), &captured) == cudaSuccess) cudaGraphDestroy(captured);
    cudaGetLastError();
    throw;
  }
  check_cuda(cudaStreamEndCapture(stream_->get(), &captured), "capturing a program");
  cudaGraphExec_t graph = nullptr;
  const cudaError_t made = cudaGraphInstantiate(&graph, captured, 0);
  cudaGraphDestroy(captured);
  check_cuda(made, "making a program of the capture");
  return Graph(graph);
}

void GraphRunner::launch(const Graph& graph) {
  check_cuda(cudaGraphLaunch(graph.get(), stream_->get()), "launching a program");
}

void GraphRunner::clear_failed() {
  check_cuda(cudaMemsetAsync(failed_, 0, sizeof(int32_t), stream_->get()), "starting a run");
}

}  // namespace senet::cuda
