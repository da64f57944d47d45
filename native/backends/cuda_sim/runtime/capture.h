// Capture of streams into graphs: its rules, and the graph it makes.
#pragma once

#include <memory>

#include "backends/cuda_sim/runtime/streams.h"

namespace senet::sim {

// For functions that must not be called while a stream is captured: an error, which also spoils the captures
// it concerns, or cudaSuccess.
cudaError_t refuse_during_capture(const char* function);

// For functions that would wait for a stream or an event of a capture.
cudaError_t refuse_capturing_stream(const CUstream_st& stream, const char* function);
cudaError_t refuse_captured_event(const EventState& event, const char* function);

// Adds work to the graph of the stream's capture.
cudaError_t capture_work(CUstream_st& stream, std::shared_ptr<const Work> work);

// A captured record and wait. A wait brings the stream into the capture of the event.
cudaError_t capture_record(CUstream_st& stream, EventState& event);
cudaError_t capture_wait(CUstream_st& stream, EventState& event);

}  // namespace senet::sim
