// Capture: the graph does what the calls would have done, and what must not be captured is refused.
#include "backends/cuda/launch.cuh"
#include "backends/cuda_sim/control.h"
#include "device.h"

namespace {

using namespace senet::sim_test;

constexpr unsigned kCount = 64;

__global__ void scale_kernel(float* y, float factor, float offset) {
  y[threadIdx.x] = y[threadIdx.x] * factor + offset;
}
__global__ void sum_kernel(const float* a, const float* b, float* y) {
  y[threadIdx.x] = a[threadIdx.x] + b[threadIdx.x];
}

void scale(cudaStream_t stream, float* y, float factor, float offset) {
  senet::cuda::launch("scale_kernel", scale_kernel, dim3(1), dim3(kCount), 0, stream, y, factor, offset);
}

// A graph and its executable, for the length of a case.
class Graph {
 public:
  explicit Graph(cudaStream_t stream) {
    check(cudaStreamEndCapture(stream, &graph_));
    check(cudaGraphInstantiate(&executable_, graph_, 0));
  }
  ~Graph() {
    cudaGraphExecDestroy(executable_);
    cudaGraphDestroy(graph_);
  }
  Graph(const Graph&) = delete;
  Graph& operator=(const Graph&) = delete;
  void launch(cudaStream_t stream) const { check(cudaGraphLaunch(executable_, stream)); }
  size_t nodes() const {
    size_t count;
    check(cudaGraphGetNodes(graph_, nullptr, &count));
    return count;
  }

 private:
  cudaGraph_t graph_ = nullptr;
  cudaGraphExec_t executable_ = nullptr;
};

void begin(cudaStream_t stream) {
  check(cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal));
}

SIM_CASE(graph_runs_again_and_again) {
  const Stream stream;
  const DeviceArray<float> y(std::vector<float>(kCount, 0));
  const PinnedArray<float> source(kCount);
  begin(stream);
  check(cudaMemcpyAsync(y, source, y.bytes(), cudaMemcpyHostToDevice, stream));
  scale(stream, y, 2, 1);
  scale(stream, y, 3, 0);
  const Graph graph(stream);
  expect(graph.nodes() == 3, "nodes");
  expect(y.read(stream)[0] == 0, "a capture runs nothing");
  for (int round = 0; round < 4; ++round) {
    for (unsigned i = 0; i < kCount; ++i) source[i] = static_cast<float>(round);
    graph.launch(stream);
    expect(y.read(stream)[7] == 3 * (2.0f * round + 1), "round " + std::to_string(round));
  }
}

SIM_CASE(graph_of_two_streams) {
  const Stream stream, side;
  const Event fork, join;
  const DeviceArray<float> a(std::vector<float>(kCount, 1)), b(std::vector<float>(kCount, 1)), y(kCount);
  begin(stream);
  scale(stream, a, 1, 1);
  check(cudaEventRecord(fork, stream));
  check(cudaStreamWaitEvent(side, fork, 0));
  cudaStreamCaptureStatus status;
  check(cudaStreamIsCapturing(side, &status));
  expect(status == cudaStreamCaptureStatusActive, "the side has joined the capture");
  scale(side, b, 10, 0);
  check(cudaEventRecord(join, side));
  scale(stream, a, 2, 0);
  check(cudaStreamWaitEvent(stream, join, 0));
  senet::cuda::launch("sum_kernel", sum_kernel, dim3(1), dim3(kCount), 0, stream, a, b, y);
  const Graph graph(stream);
  check(cudaStreamIsCapturing(side, &status));
  expect(status == cudaStreamCaptureStatusNone, "the side has left the capture");
  expect_error(cudaEventSynchronize(join), cudaErrorCapturedEvent, "an event of the capture");
  graph.launch(stream);
  graph.launch(stream);
  expect(y.read(stream)[0] == 2 * (2 * (1 + 1) + 1) + 100, "sum after two launches");
  cudaGetLastError();
}

SIM_CASE(launches_of_one_graph_take_turns) {
  const Stream stream, other;
  const DeviceArray<float> y(std::vector<float>(kCount, 0));
  begin(stream);
  scale(stream, y, 1, 1);
  scale(stream, y, 2, 0);
  const Graph graph(stream);
  graph.launch(stream);
  graph.launch(other);
  check(cudaDeviceSynchronize());
  expect(y.read(stream)[0] == 6, "one after the other");
}

// Calls `during` in a capture, and wants that error from it and an invalid capture.
template <typename During>
void expect_refused(cudaError_t wanted, const char* what, During during) {
  const Stream stream;
  begin(stream);
  expect_error(during(static_cast<cudaStream_t>(stream)), wanted, what);
  cudaGraph_t graph;
  expect_error(cudaStreamEndCapture(stream, &graph), cudaErrorStreamCaptureInvalidated, "the capture");
  cudaGetLastError();
}

SIM_CASE(what_a_capture_refuses) {
  const DeviceArray<float> y(counting(kCount));
  const Event outside;
  expect_refused(cudaErrorStreamCaptureUnsupported, "cudaMalloc", [](cudaStream_t) {
    void* memory;
    return cudaMalloc(&memory, 16);
  });
  expect_refused(cudaErrorStreamCaptureUnsupported, "cudaStreamSynchronize",
                 [](cudaStream_t stream) { return cudaStreamSynchronize(stream); });
  expect_refused(cudaErrorStreamCaptureUnsupported, "cudaDeviceSynchronize",
                 [](cudaStream_t) { return cudaDeviceSynchronize(); });
  expect_refused(cudaErrorStreamCaptureUnsupported, "cudaMemcpy", [&y](cudaStream_t) {
    std::vector<float> host(kCount);
    return cudaMemcpy(host.data(), y, 4, cudaMemcpyDeviceToHost);
  });
  expect_refused(cudaErrorStreamCaptureIsolation, "an event from outside", [&outside](cudaStream_t stream) {
    const Stream other;
    check(cudaEventRecord(outside, other));
    return cudaStreamWaitEvent(stream, outside, 0);
  });
}

SIM_CASE(relaxed_capture_allows_allocation) {
  const Stream stream;
  check(cudaStreamBeginCapture(stream, cudaStreamCaptureModeRelaxed));
  float* memory;
  check(cudaMalloc(&memory, 256));
  const Graph graph(stream);
  check(cudaFree(memory));
}

SIM_CASE(capture_must_be_ended_rightly) {
  const Stream stream, side;
  const Event fork;
  cudaGraph_t graph;
  expect_error(cudaStreamBeginCapture(nullptr, cudaStreamCaptureModeGlobal),
               cudaErrorStreamCaptureUnsupported, "the legacy stream");
  expect_error(cudaStreamEndCapture(stream, &graph), cudaErrorIllegalState, "without a beginning");
  const DeviceArray<float> y(counting(kCount));
  begin(stream);
  scale(stream, y, 1, 1);
  check(cudaEventRecord(fork, stream));
  check(cudaStreamWaitEvent(side, fork, 0));
  expect_error(cudaStreamEndCapture(side, &graph), cudaErrorStreamCaptureUnmatched, "in another stream");
  scale(side, y, 1, 1);
  expect_error(cudaStreamEndCapture(stream, &graph), cudaErrorStreamCaptureUnjoined, "with work left over");
  cudaGetLastError();

  begin(stream);
  sim_fail_call("cudaStreamEndCapture", 1, cudaErrorUnknown);
  expect_error(cudaStreamEndCapture(stream, &graph), cudaErrorUnknown, "by order");
  check(cudaStreamSynchronize(stream));
  cudaGetLastError();
}

}  // namespace
