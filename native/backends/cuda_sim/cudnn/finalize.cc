// Finalizing descriptors: tensors, operations and graphs.
#include <set>
#include <string>

#include "backends/cuda_sim/cudnn/record.h"

namespace senet::sim {

namespace {

void require(bool holds, cudnnStatus_t status, const std::string& message) {
  if (!holds) throw CudnnFault{status, message};
}

void require_float(cudnnDataType_t type) {
  require(type == CUDNN_DATA_FLOAT, CUDNN_STATUS_NOT_SUPPORTED_DATA_TYPE,
          "only float32 arithmetic is emulated");
}

void require_shape(bool holds, const std::string& message) {
  require(holds, CUDNN_STATUS_BAD_PARAM_SHAPE_MISMATCH, message);
}

void finalize_tensor(CudnnRecord* record) {
  CudnnTensor& t = record->tensor;
  t.id = record->value<int64_t>(CUDNN_ATTR_TENSOR_UNIQUE_ID);
  t.type = record->value<cudnnDataType_t>(CUDNN_ATTR_TENSOR_DATA_TYPE);
  t.alignment = record->value<int64_t>(CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT);
  t.dims = record->values<int64_t>(CUDNN_ATTR_TENSOR_DIMENSIONS);
  t.strides = record->values<int64_t>(CUDNN_ATTR_TENSOR_STRIDES);
  t.is_virtual =
      record->has(CUDNN_ATTR_TENSOR_IS_VIRTUAL) && record->value<bool>(CUDNN_ATTR_TENSOR_IS_VIRTUAL);
  require(t.id != 0, CUDNN_STATUS_BAD_PARAM, "0 is no id");
  require(t.alignment > 0 && (t.alignment & (t.alignment - 1)) == 0, CUDNN_STATUS_BAD_PARAM,
          "the alignment is no power of 2");
  for (size_t i = 0; i < 4; ++i) {
    require(t.dims[i] > 0 && t.strides[i] > 0, CUDNN_STATUS_BAD_PARAM,
            "dimensions and strides must be positive");
  }
}

CudnnTensor tensor_of(const CudnnRecord& record, cudnnBackendAttributeName_t name) {
  const CudnnRecord& other = referred(record, name);
  require(other.type == CUDNN_BACKEND_TENSOR_DESCRIPTOR, CUDNN_STATUS_BAD_PARAM_DESCRIPTOR_TYPE,
          "attribute " + std::to_string(name) + " must be a tensor");
  return other.tensor;
}

// Names of the attributes of one of the three convolutions.
struct ConvolutionNames {
  CudnnOperationKind kind;
  cudnnBackendAttributeName_t how, x, weight, y, alpha, beta;
};

ConvolutionNames names_of(cudnnBackendDescriptorType_t sort) {
  if (sort == CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR) {
    return {CudnnOperationKind::kForward,
            CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC,
            CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X,
            CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W,
            CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y,
            CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA,
            CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA};
  }
  if (sort == CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR) {
    return {CudnnOperationKind::kGradInput,
            CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_CONV_DESC,
            CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DX,
            CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_W,
            CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DY,
            CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_ALPHA,
            CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_BETA};
  }
  return {CudnnOperationKind::kGradWeight,
          CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_CONV_DESC,
          CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_X,
          CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DW,
          CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DY,
          CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_ALPHA,
          CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_BETA};
}

void finalize_convolution_operation(CudnnRecord* record) {
  const ConvolutionNames names = names_of(record->type);
  const CudnnRecord& how = referred(*record, names.how);
  CudnnOperation& o = record->operation;
  o.kind = names.kind;
  o.x = tensor_of(*record, names.x), o.b = tensor_of(*record, names.weight),
  o.y = tensor_of(*record, names.y);
  o.alpha = record->value<float>(names.alpha), o.beta = record->value<float>(names.beta);
  o.before = how.values<int64_t>(CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS);
  o.after = how.values<int64_t>(CUDNN_ATTR_CONVOLUTION_POST_PADDINGS);
  o.stride = how.values<int64_t>(CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES);
  o.dilation = how.values<int64_t>(CUDNN_ATTR_CONVOLUTION_DILATIONS);
  require_shape(o.x.dims[0] == o.y.dims[0], "numbers of images differ");
  require_shape(o.b.dims[0] == o.y.dims[1], "the weight's first dimension is not the output's channels");
  require_shape(o.x.dims[1] % o.b.dims[1] == 0, "the weight's channels do not divide the input's");
  require_shape(o.y.dims[1] % (o.x.dims[1] / o.b.dims[1]) == 0,
                "the groups do not divide the output's channels");
  for (size_t i = 0; i < 2; ++i) {
    const int64_t room =
        o.x.dims[2 + i] + o.before[i] + o.after[i] - (o.b.dims[2 + i] - 1) * o.dilation[i] - 1;
    require_shape(room >= 0 && o.y.dims[2 + i] == room / o.stride[i] + 1,
                  "the output's size does not follow");
  }
}

// Each dimension of `small` is that of `large` or 1.
void require_spreads(const CudnnTensor& small, const CudnnTensor& large) {
  for (size_t i = 0; i < 4; ++i) {
    require_shape(small.dims[i] == large.dims[i] || small.dims[i] == 1,
                  "a tensor does not spread over another");
  }
}

void finalize_pointwise_operation(CudnnRecord* record) {
  CudnnOperation& o = record->operation;
  o.kind = CudnnOperationKind::kPointwise;
  o.mode = referred(*record, CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR)
               .value<cudnnPointwiseMode_t>(CUDNN_ATTR_POINTWISE_MODE);
  o.x = tensor_of(*record, CUDNN_ATTR_OPERATION_POINTWISE_XDESC);
  const bool backward = o.mode == CUDNN_POINTWISE_RELU_BWD;
  const bool binary =
      o.mode == CUDNN_POINTWISE_ADD || o.mode == CUDNN_POINTWISE_MUL || o.mode == CUDNN_POINTWISE_SUB;
  const auto second = backward ? CUDNN_ATTR_OPERATION_POINTWISE_DYDESC : CUDNN_ATTR_OPERATION_POINTWISE_BDESC;
  require(record->has(second) == (binary || backward), CUDNN_STATUS_BAD_PARAM,
          "the mode's number of operands is another");
  if (record->has(second)) o.b = tensor_of(*record, second);
  o.y = tensor_of(*record,
                  backward ? CUDNN_ATTR_OPERATION_POINTWISE_DXDESC : CUDNN_ATTR_OPERATION_POINTWISE_YDESC);
  require_spreads(o.x, o.y);
  if (o.has_b()) require_spreads(o.b, o.y);
}

void finalize_reduction_operation(CudnnRecord* record) {
  CudnnOperation& o = record->operation;
  o.kind = CudnnOperationKind::kReduction;
  o.x = tensor_of(*record, CUDNN_ATTR_OPERATION_REDUCTION_XDESC);
  o.y = tensor_of(*record, CUDNN_ATTR_OPERATION_REDUCTION_YDESC);
  require_spreads(o.y, o.x);
}

void finalize_how(const CudnnRecord& record) {
  if (record.type == CUDNN_BACKEND_POINTWISE_DESCRIPTOR) {
    require_float(record.value<cudnnDataType_t>(CUDNN_ATTR_POINTWISE_MATH_PREC));
  } else if (record.type == CUDNN_BACKEND_REDUCTION_DESCRIPTOR) {
    require_float(record.value<cudnnDataType_t>(CUDNN_ATTR_REDUCTION_COMP_TYPE));
    require(record.value<cudnnReduceTensorOp_t>(CUDNN_ATTR_REDUCTION_OPERATOR) == CUDNN_REDUCE_TENSOR_ADD,
            CUDNN_STATUS_NOT_SUPPORTED, "only sums are emulated");
  } else {
    require_float(record.value<cudnnDataType_t>(CUDNN_ATTR_CONVOLUTION_COMP_TYPE));
    require(record.value<int64_t>(CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS) == 2, CUDNN_STATUS_NOT_SUPPORTED,
            "only two dimensions are emulated");
    require(record.value<cudnnConvolutionMode_t>(CUDNN_ATTR_CONVOLUTION_CONV_MODE) == CUDNN_CROSS_CORRELATION,
            CUDNN_STATUS_NOT_SUPPORTED, "only cross-correlation is emulated");
  }
}

}  // namespace

void finalize_operation(CudnnRecord* record) {
  if (record->type == CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR) {
    finalize_pointwise_operation(record);
  } else if (record->type == CUDNN_BACKEND_OPERATION_REDUCTION_DESCRIPTOR) {
    finalize_reduction_operation(record);
  } else {
    finalize_convolution_operation(record);
  }
}

// Operations come after those whose results they read; an id stands for one tensor, which is written at most
// once.
void finalize_graph(CudnnRecord* record) {
  require_handle(record->value<cudnnHandle_t>(CUDNN_ATTR_OPERATIONGRAPH_HANDLE));
  auto graph = std::make_shared<CudnnGraph>();
  std::map<int64_t, CudnnTensor> tensors;
  std::set<int64_t> written, read;
  for (void* descriptor : record->values<void*>(CUDNN_ATTR_OPERATIONGRAPH_OPS)) {
    const CudnnOperation& o = finalized_record(descriptor).operation;
    for (const CudnnTensor* t : {&o.x, &o.b, &o.y}) {
      const bool same = t->id == 0 || tensors.emplace(t->id, *t).first->second == *t;
      require(same, CUDNN_STATUS_BAD_PARAM_DUPLICATED_ENTRIES, "two different tensors have one id");
    }
    for (const CudnnTensor* t : o.inputs()) {
      read.insert(t->id);
      require(!t->is_virtual || written.count(t->id) != 0, CUDNN_STATUS_BAD_PARAM,
              "a virtual tensor is read before it is written");
    }
    require(written.insert(o.output().id).second, CUDNN_STATUS_BAD_PARAM, "a tensor is written twice");
    graph->operations.push_back(o);
  }
  for (const auto& [id, tensor] : tensors) {
    require(!tensor.is_virtual || read.count(id) != 0, CUDNN_STATUS_BAD_PARAM,
            "a virtual tensor is not read");
  }
  record->graph = std::move(graph);
}

void finalize_record(CudnnRecord* record) {
  check_complete(*record);
  switch (record->type) {
    case CUDNN_BACKEND_TENSOR_DESCRIPTOR:
      finalize_tensor(record);
      break;
    case CUDNN_BACKEND_POINTWISE_DESCRIPTOR:
    case CUDNN_BACKEND_REDUCTION_DESCRIPTOR:
    case CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR:
      finalize_how(*record);
      break;
    case CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR:
      finalize_graph(record);
      break;
    case CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR:
    case CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR:
    case CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR:
      finalize_plan(record);
      break;
    default:
      finalize_operation(record);
  }
  record->finalized = true;
}

}  // namespace senet::sim
