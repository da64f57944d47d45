#include "backends/cuda/dnn_cudnn_graph.h"

namespace senet::cuda {

cudnnDataType_t cudnn_type(Storage storage) {
  if (storage == Storage::kFloat16) return CUDNN_DATA_HALF;
  return storage == Storage::kBFloat16 ? CUDNN_DATA_BFLOAT16 : CUDNN_DATA_FLOAT;
}

const char* operand_name(Operand operand) {
  static constexpr const char* kNames[] = {"",       "x",    "weight",   "y",    "input_scale", "input_shift",
                                           "bias",   "gate", "residual", "sums", "shift",       "deviations",
                                           "squares"};
  return kNames[static_cast<int64_t>(operand)];
}

OperationGraph::Tensor OperationGraph::tensor(int64_t id, bool inner, const std::vector<int64_t>& dims,
                                              cudnnDataType_t type) {
  Descriptor& tensor = add(CUDNN_BACKEND_TENSOR_DESCRIPTOR);
  tensor.set(CUDNN_ATTR_TENSOR_UNIQUE_ID, id);
  tensor.set(CUDNN_ATTR_TENSOR_DATA_TYPE, type);
  tensor.set_all(CUDNN_ATTR_TENSOR_DIMENSIONS, dims);
  tensor.set_all<int64_t>(CUDNN_ATTR_TENSOR_STRIDES,
                          {dims[1] * dims[2] * dims[3], 1, dims[1] * dims[3], dims[1]});
  tensor.set(CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, static_cast<int64_t>(kDnnAlignment));
  tensor.set(CUDNN_ATTR_TENSOR_IS_VIRTUAL, inner);
  tensor.finalize();
  return {&tensor, dims};
}

OperationGraph::Tensor OperationGraph::operand(Operand operand, const std::vector<int64_t>& dims,
                                               cudnnDataType_t type) {
  size_t bytes = type == CUDNN_DATA_FLOAT ? 4 : 2;
  for (const int64_t size : dims) bytes *= static_cast<size_t>(size);
  operands_.push_back({operand, bytes});
  return tensor(static_cast<int64_t>(operand), false, dims, type);
}

OperationGraph::Tensor OperationGraph::inner(const std::vector<int64_t>& dims, cudnnDataType_t type) {
  return tensor(next_inner_++, true, dims, type);
}

void OperationGraph::pointwise(cudnnPointwiseMode_t mode, const Tensor& x, const Tensor* b, const Tensor& y) {
  Descriptor& how = add(CUDNN_BACKEND_POINTWISE_DESCRIPTOR);
  how.set(CUDNN_ATTR_POINTWISE_MODE, mode);
  how.set(CUDNN_ATTR_POINTWISE_MATH_PREC, CUDNN_DATA_FLOAT);
  how.finalize();
  Descriptor& operation = add(CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR);
  operation.refer(CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR, how);
  operation.refer(CUDNN_ATTR_OPERATION_POINTWISE_XDESC, *x.descriptor);
  if (b != nullptr) operation.refer(CUDNN_ATTR_OPERATION_POINTWISE_BDESC, *b->descriptor);
  operation.refer(CUDNN_ATTR_OPERATION_POINTWISE_YDESC, *y.descriptor);
  operation.finalize();
  operations_.push_back(&operation);
}

void OperationGraph::reduce(const Tensor& x, const Tensor& y) {
  Descriptor& how = add(CUDNN_BACKEND_REDUCTION_DESCRIPTOR);
  how.set(CUDNN_ATTR_REDUCTION_OPERATOR, CUDNN_REDUCE_TENSOR_ADD);
  how.set(CUDNN_ATTR_REDUCTION_COMP_TYPE, CUDNN_DATA_FLOAT);
  how.finalize();
  Descriptor& operation = add(CUDNN_BACKEND_OPERATION_REDUCTION_DESCRIPTOR);
  operation.refer(CUDNN_ATTR_OPERATION_REDUCTION_DESC, how);
  operation.refer(CUDNN_ATTR_OPERATION_REDUCTION_XDESC, *x.descriptor);
  operation.refer(CUDNN_ATTR_OPERATION_REDUCTION_YDESC, *y.descriptor);
  operation.finalize();
  operations_.push_back(&operation);
}

void OperationGraph::finish(const PlanTarget& target) {
  if (target.handle != nullptr) graph_.set(CUDNN_ATTR_OPERATIONGRAPH_HANDLE, target.handle);
  graph_.refer_all(CUDNN_ATTR_OPERATIONGRAPH_OPS, operations_);
  graph_.finalize();
}

}  // namespace senet::cuda
