// Streams: queues of operations that run only when somebody waits, in a random one of the orders that streams
// and events allow. So a missing wait gives wrong data, and the same wrong data for the same seed.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "driver_types.h"

namespace senet::sim {

// Something to do, once or, in a graph, again and again.
struct Work {
  std::string name;
  std::function<cudaError_t()> run;
  bool frees = false;  // runs even after an error that stays
};

struct GraphNode {
  std::shared_ptr<const Work> work;
  std::vector<int> dependencies;  // nodes before it
};

// A capture in progress.
struct Capture {
  enum cudaStreamCaptureMode mode;
  std::thread::id thread;
  CUstream_st* origin;
  bool invalidated = false;
  std::vector<GraphNode> nodes;
};

// What an event stands for; outlives the event while operations refer to it.
struct EventState {
  uint64_t recorded = 0;  // times
  uint64_t completed = 0;
  uint64_t when = 0;  // Runtime::operations as it was passed
  bool timed = true;
  // Recorded in a capture: the nodes it stands for.
  std::weak_ptr<Capture> capture;
  std::vector<int> captured_nodes;
  char tag = 0;
};

// An executable graph. Its launches run one after the other.
struct ExecutableGraph {
  std::vector<GraphNode> nodes;
  uint64_t launched = 0;
  uint64_t completed = 0;
  char tag = 0;  // for the race detector
};

// One launch of a graph.
struct GraphRun {
  std::shared_ptr<ExecutableGraph> graph;
  uint64_t number;  // of the launch
  std::vector<bool> done;
  size_t remaining;
};

// An entry of a queue: one of the four is set, or work alone for an ordinary operation.
struct Operation {
  std::shared_ptr<const Work> work;
  std::shared_ptr<EventState> record;
  std::shared_ptr<EventState> wait;
  std::shared_ptr<GraphRun> graph;
  uint64_t generation = 0;  // of the event
  std::unique_ptr<char> tag = std::make_unique<char>();
};

}  // namespace senet::sim

struct CUstream_st {
  std::deque<senet::sim::Operation> queue;
  bool blocking = true;  // takes turns with the legacy stream
  std::shared_ptr<senet::sim::Capture> capture;
  std::vector<int> captured_tail;  // nodes that the next captured operation follows
  void* identity = nullptr;        // for the race detector
  char tag = 0;
};

struct CUevent_st {
  std::shared_ptr<senet::sim::EventState> state = std::make_shared<senet::sim::EventState>();
};

struct CUgraph_st {
  std::vector<senet::sim::GraphNode> nodes;
};

struct CUgraphExec_st {
  std::shared_ptr<senet::sim::ExecutableGraph> graph = std::make_shared<senet::sim::ExecutableGraph>();
};

namespace senet::sim {

// Null if the handle is none of a live stream. The null handle is the legacy stream.
CUstream_st* find_stream(cudaStream_t handle);

// Queues work on a stream, or adds it to the graph that the stream is being captured into.
cudaError_t enqueue(cudaStream_t stream, std::string name, std::function<cudaError_t()> work);

// The same for an operation that is not captured.
cudaError_t enqueue_operation(CUstream_st& stream, Operation operation);

// Runs operations of all streams until the condition holds. Gives back the sticky error.
cudaError_t run_until(const std::function<bool()>& condition);
cudaError_t run_stream(CUstream_st& stream);
cudaError_t run_everything();

// Runs one operation, if any can run: what a query does, so that a loop of queries ends.
cudaError_t run_a_little();

}  // namespace senet::sim
