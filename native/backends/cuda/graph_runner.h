// Puts a program's steps to work on a stream: the first run queues them one by one, but for those that change tensors,
// the second captures them as a CUDA graph, later ones launch that. Profiled runs queue them one by one between events.
#pragma once

#include <memory>
#include <type_traits>
#include <vector>

#include "backends/cuda/runtime.h"

namespace senet::cuda {

class GraphRunner final : public Runner {
 public:
  // failed: the word that checks of a run set (Kit::failed); cleared when a run begins.
  GraphRunner(std::shared_ptr<const Stream> stream, int32_t* failed)
      : stream_(std::move(stream)), failed_(failed) {}

  void run(std::span<Step* const> steps, size_t first_change, const std::function<bool()>& stopping,
           size_t* current, double* step_ms) override;
  void rebound() override;

 private:
  struct DestroyGraph {
    void operator()(cudaGraphExec_t graph) const { cudaGraphExecDestroy(graph); }
  };
  using Graph = std::unique_ptr<std::remove_pointer_t<cudaGraphExec_t>, DestroyGraph>;

  void queue(std::span<Step* const> steps, size_t begin, size_t end, const std::function<bool()>& stopping,
             size_t* current);
  void queue_timed(std::span<Step* const> steps, size_t* current, double* step_ms);
  // The steps from `begin` on as a graph.
  Graph capture(std::span<Step* const> steps, size_t begin, const std::function<bool()>& stopping,
                size_t* current);
  void launch(const Graph& graph);
  void clear_failed();

  std::shared_ptr<const Stream> stream_;
  int32_t* failed_;
  std::vector<Step*> last_;  // the steps of the last run, which the graph runs if there is one
  Graph graph_;
};

}  // namespace senet::cuda
