#include "backends/cuda_sim/cudnn/engines.h"

#include <algorithm>

namespace senet::sim {

namespace {

constexpr auto kTensorCore = CUDNN_NUMERICAL_NOTE_TENSOR_CORE;
constexpr auto kDownConvert = CUDNN_NUMERICAL_NOTE_DOWN_CONVERT_INPUTS;
constexpr auto kReducedSums = CUDNN_NUMERICAL_NOTE_REDUCED_PRECISION_REDUCTION;
constexpr auto kNondeterministic = CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC;

enum EngineIndex : int64_t {
  kPlain = 0,
  kTensorCores = 1,
  kAtomics = 2,
  kHalfInputs = 3,
  kCompiled = 4,
  kHalfSums = 5,
  kTransform = 6,
  kWinograd = 7,
  kLargeWorkspace = 8,
};

const std::vector<CudnnEngine>& all_engines() {
  static const std::vector<CudnnEngine> engines = {
      {kPlain, {}, false, 0},
      {kTensorCores, {kTensorCore}, false, 1031},
      {kAtomics, {kTensorCore, kNondeterministic}, false, 4096},
      {kHalfInputs, {kTensorCore, kDownConvert}, false, 0},
      {kCompiled, {kTensorCore}, true, 131},
      {kHalfSums, {kTensorCore, kReducedSums}, false, 0},
      {kTransform, {CUDNN_NUMERICAL_NOTE_FFT}, false, 2048},
      {kWinograd, {CUDNN_NUMERICAL_NOTE_WINOGRAD}, false, 512},
      {kLargeWorkspace, {}, false, int64_t{1} << 40},
  };
  return engines;
}

// What matters for support.
struct Pattern {
  const CudnnOperation* convolution = nullptr;
  int convolutions = 0, reductions = 0, ahead = 0, behind = 0;
  bool bias_relu_only = true;  // behind the convolution: at most a [1, K, 1, 1] sum, then a ReLU
};

Pattern pattern_of(const CudnnGraph& graph) {
  Pattern p;
  for (const CudnnOperation& o : graph.operations) {
    if (o.is_convolution()) {
      p.convolution = &o;
      ++p.convolutions;
    } else if (o.kind == CudnnOperationKind::kReduction) {
      ++p.reductions;
    } else if (p.convolution == nullptr) {
      ++p.ahead;
    } else {
      const bool bias =
          p.behind == 0 && o.mode == CUDNN_POINTWISE_ADD && o.b.dims[0] == 1 && o.b.dims[2] == 1;
      p.bias_relu_only = p.bias_relu_only && (bias || o.mode == CUDNN_POINTWISE_RELU_FWD);
      ++p.behind;
    }
  }
  return p;
}

bool is_supported_type(cudnnDataType_t type) {
  return type == CUDNN_DATA_FLOAT || type == CUDNN_DATA_HALF || type == CUDNN_DATA_BFLOAT16;
}

CudnnSuggestions refusal(cudnnStatus_t status, const char* reason) {
  return {{}, status, reason};
}

CudnnSuggestions some(const std::vector<EngineIndex>& indices) {
  CudnnSuggestions suggestions;
  for (const EngineIndex index : indices) suggestions.engines.push_back(find_engine(index));
  return suggestions;
}

CudnnSuggestions fused_engines(const Pattern& p, cudnnDataType_t type, cudnnBackendHeurMode_t mode,
                               int architecture) {
  if (p.convolution->kind != CudnnOperationKind::kForward) {
    return refusal(CUDNN_STATUS_NOT_SUPPORTED_GRAPH_PATTERN, "only forward convolutions are fused");
  }
  if (p.reductions > 0 && architecture < 90) {
    return refusal(CUDNN_STATUS_NOT_SUPPORTED_GRAPH_PATTERN, "sums are fused from architecture 90 on");
  }
  const bool grouped = p.convolution->x.dims[1] != p.convolution->b.dims[1];
  if (p.reductions > 0 && grouped) {
    return refusal(CUDNN_STATUS_NOT_SUPPORTED_GRAPH_PATTERN, "sums of grouped convolutions are not fused");
  }
  if (p.reductions > 0 && p.convolution->x.dims[1] % 8 != 0) {
    return refusal(CUDNN_STATUS_NOT_SUPPORTED_LAYOUT, "sums need input channels in eights");
  }
  const bool ready_made = type == CUDNN_DATA_FLOAT && p.ahead == 0 && p.reductions == 0 && p.bias_relu_only;
  if (mode == CUDNN_HEUR_MODE_FALLBACK) return ready_made ? some({kPlain}) : some({});
  return ready_made ? some({kHalfInputs, kTensorCores, kCompiled, kLargeWorkspace}) : some({kCompiled});
}

}  // namespace

bool CudnnEngine::has(cudnnBackendNumericalNote_t note) const {
  return std::find(notes.begin(), notes.end(), note) != notes.end();
}

const CudnnEngine* find_engine(int64_t index) {
  const auto& engines = all_engines();
  return index >= 0 && index < static_cast<int64_t>(engines.size()) ? &engines[static_cast<size_t>(index)]
                                                                    : nullptr;
}

CudnnSuggestions suggest_engines(const CudnnGraph& graph, cudnnBackendHeurMode_t mode, int architecture) {
  for (const CudnnTensor& tensor : graph.operands()) {
    if (!is_supported_type(tensor.type)) {
      return refusal(CUDNN_STATUS_NOT_SUPPORTED_DATA_TYPE, "data type");
    }
  }
  const Pattern p = pattern_of(graph);
  if (p.convolutions != 1) {
    return refusal(CUDNN_STATUS_NOT_SUPPORTED_GRAPH_PATTERN, "a graph needs exactly one convolution");
  }
  const CudnnOperation& c = *p.convolution;
  const cudnnDataType_t type = c.kind == CudnnOperationKind::kGradInput ? c.y.type : c.x.type;
  if (c.beta != 0.0f && c.kind != CudnnOperationKind::kGradInput) {
    return refusal(CUDNN_STATUS_NOT_SUPPORTED_GRAPH_PATTERN, "beta");
  }
  if (p.ahead + p.behind + p.reductions > 0) return fused_engines(p, type, mode, architecture);
  if (c.output().type != type) {
    const bool odd = c.x.dims[1] % 8 != 0 || c.y.dims[1] % 8 != 0;
    if (c.kind != CudnnOperationKind::kGradWeight || odd) {
      return refusal(CUDNN_STATUS_NOT_SUPPORTED_DATA_TYPE, "output type differs from the inputs'");
    }
    return mode == CUDNN_HEUR_MODE_FALLBACK ? some({}) : some({kCompiled});
  }
  if (mode == CUDNN_HEUR_MODE_FALLBACK) return some({kPlain});
  if (type != CUDNN_DATA_FLOAT) return some({kHalfSums, kAtomics, kTensorCores, kPlain});
  return some({kLargeWorkspace, kHalfInputs, kTransform, kWinograd, kAtomics, kTensorCores});
}

}  // namespace senet::sim
