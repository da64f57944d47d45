// A problem as an operation graph of cuDNN.
#pragma once

#include <deque>
#include <vector>

#include "backends/cuda/dnn.h"
#include "backends/cuda/dnn_cudnn_descriptor.h"

namespace senet::cuda {

// Numbers of the tensors that the caller gives addresses for. They are written into kept plans: a change of
// one needs another kPlanFileVersion.
enum class Operand : int64_t {
  kX = 1,
  kWeight,
  kY,
  kInputScale,
  kInputShift,
  kBias,
  kGate,
  kResidual,
  kSums,
  kShift,
  kDeviations,
  kSquares,
};

const char* operand_name(Operand operand);

// What makes a graph a graph of its target: a handle, or a description of a device that is not there.
struct PlanTarget {
  cudnnHandle_t handle = nullptr;
  const Descriptor* device = nullptr;
};

// A finalized operation graph with all it refers to.
class OperationGraph {
 public:
  struct Tensor {
    const Descriptor* descriptor;
    std::vector<int64_t> dims;
  };
  struct OperandSize {
    Operand operand;
    size_t bytes;
  };

  OperationGraph(const ConvolutionProblem& problem, const PlanTarget& target);

  const Descriptor& descriptor() const { return graph_; }
  // What the caller gives addresses for.
  const std::vector<OperandSize>& operands() const { return operands_; }

 private:
  friend class ConvolutionGraph;

  Descriptor& add(cudnnBackendDescriptorType_t type) { return parts_.emplace_back(type); }
  // A tensor of the caller's; dimensions in the order N, C, H, W, memory in the order N, H, W, C.
  Tensor operand(Operand operand, const std::vector<int64_t>& dims, cudnnDataType_t type);
  // A tensor that exists only within the graph.
  Tensor inner(const std::vector<int64_t>& dims, cudnnDataType_t type);
  Tensor tensor(int64_t id, bool inner, const std::vector<int64_t>& dims, cudnnDataType_t type);
  // y = mode(x, b), or mode(x) without b; in float32, and b spreads over dimensions of 1.
  void pointwise(cudnnPointwiseMode_t mode, const Tensor& x, const Tensor* b, const Tensor& y);
  // y = sum of x over the dimensions that are 1 in y.
  void reduce(const Tensor& x, const Tensor& y);
  void finish(const PlanTarget& target);

  std::deque<Descriptor> parts_;
  std::vector<const Descriptor*> operations_;
  std::vector<OperandSize> operands_;
  int64_t next_inner_ = 100;
  Descriptor graph_{CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR};
};

cudnnDataType_t cudnn_type(Storage storage);

}  // namespace senet::cuda
