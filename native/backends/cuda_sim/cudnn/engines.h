// Emulated cuDNN: the engines, and what each can do.
//
// There is one of every sort that a caller has to tell apart by its notes. What is wrong with an engine shows
// in its results, so that a caller who lets it through gets other numbers.
#pragma once

#include <vector>

#include "backends/cuda_sim/cudnn/graph.h"

namespace senet::sim {

struct CudnnEngine {
  int64_t index;
  std::vector<cudnnBackendNumericalNote_t> notes;
  bool compiled;  // at run time
  int64_t workspace_bytes;

  bool has(cudnnBackendNumericalNote_t note) const;
};

const CudnnEngine* find_engine(int64_t index);

// The engines for a graph, those that are suggested first first. Empty, with a status and a reason, when the
// graph is of a kind that is not supported.
struct CudnnSuggestions {
  std::vector<const CudnnEngine*> engines;
  cudnnStatus_t status = CUDNN_STATUS_SUCCESS;
  const char* reason = "";
};
CudnnSuggestions suggest_engines(const CudnnGraph& graph, cudnnBackendHeurMode_t mode, int architecture);

}  // namespace senet::sim
