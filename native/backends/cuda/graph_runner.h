// Puts a program's steps to work on a stream: the first run queues them one by one, the second captures them
// as a CUDA graph, later ones launch that. Profiled runs queue them one by one between events.
#pragma once

#include <memory>
#include <vector>

#include "backends/cuda/runtime.h"

namespace senet::cuda {

class GraphRunner final : public Runner {
 public:
  // failed: the word that checks of a run set (Kit::failed); cleared when a run begins.
  GraphRunner(std::shared_ptr<const Stream> stream, int32_t* failed)
      : stream_(std::move(stream)), failed_(failed) {}
  ~GraphRunner() override { drop_graph(); }
  GraphRunner(const GraphRunner&) = delete;
  GraphRunner& operator=(const GraphRunner&) = delete;

  void run(std::span<Step* const> steps, const std::function<bool()>& stopping, size_t* current,
           double* step_ms) override;
  void rebound() override;

 private:
  void queue(std::span<Step* const> steps, const std::function<bool()>& stopping, size_t* current);
  void queue_timed(std::span<Step* const> steps, size_t* current, double* step_ms);
  void capture(std::span<Step* const> steps, const std::function<bool()>& stopping, size_t* current);
  void drop_graph();

  void clear_failed();

  std::shared_ptr<const Stream> stream_;
  int32_t* failed_;
  std::vector<Step*> last_;  // the steps of the last run, which the graph runs if there is one
  cudaGraphExec_t graph_ = nullptr;
};

}  // namespace senet::cuda
