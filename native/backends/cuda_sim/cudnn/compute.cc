#include "backends/cuda_sim/cudnn/compute.h"

#include <cmath>
#include <cstring>

#include "backends/cuda_sim/language/small_float.h"

namespace senet::sim {

namespace {

CudnnValues load(const CudnnTensor& t, const void* address) {
  CudnnValues result(t.dims);
  size_t i = 0;
  for (int64_t n = 0; n < t.dims[0]; ++n) {
    for (int64_t h = 0; h < t.dims[2]; ++h) {
      for (int64_t w = 0; w < t.dims[3]; ++w) {
        for (int64_t c = 0; c < t.dims[1]; ++c) {
          const int64_t at = n * t.strides[0] + c * t.strides[1] + h * t.strides[2] + w * t.strides[3];
          if (t.type == CUDNN_DATA_FLOAT) {
            result.values[i++] = static_cast<const float*>(address)[at];
          } else {
            const uint16_t bits = static_cast<const uint16_t*>(address)[at];
            result.values[i++] =
                t.type == CUDNN_DATA_HALF ? HalfFormat::widen(bits) : Bfloat16Format::widen(bits);
          }
        }
      }
    }
  }
  return result;
}

void store(const CudnnTensor& t, const CudnnValues& values, void* address) {
  size_t i = 0;
  for (int64_t n = 0; n < t.dims[0]; ++n) {
    for (int64_t h = 0; h < t.dims[2]; ++h) {
      for (int64_t w = 0; w < t.dims[3]; ++w) {
        for (int64_t c = 0; c < t.dims[1]; ++c) {
          const int64_t at = n * t.strides[0] + c * t.strides[1] + h * t.strides[2] + w * t.strides[3];
          const float value = values.values[i++];
          if (t.type == CUDNN_DATA_FLOAT) {
            static_cast<float*>(address)[at] = value;
          } else {
            static_cast<uint16_t*>(address)[at] =
                t.type == CUDNN_DATA_HALF ? HalfFormat::narrow(value) : Bfloat16Format::narrow(value);
          }
        }
      }
    }
  }
}

float pointwise(cudnnPointwiseMode_t mode, float x, float b) {
  switch (mode) {
    case CUDNN_POINTWISE_ADD:
      return x + b;
    case CUDNN_POINTWISE_SUB:
      return x - b;
    case CUDNN_POINTWISE_MUL:
      return x * b;
    case CUDNN_POINTWISE_RELU_FWD:
      return x < 0.0f ? 0.0f : x;
    case CUDNN_POINTWISE_RELU_BWD:
      return x > 0.0f ? b : 0.0f;
    case CUDNN_POINTWISE_SIGMOID_FWD:
      return 1.0f / (1.0f + std::exp(-x));
    default:
      return x;
  }
}

template <typename Visit>
void for_each_position(const std::vector<int64_t>& dims, const Visit& visit) {
  for (int64_t n = 0; n < dims[0]; ++n) {
    for (int64_t h = 0; h < dims[2]; ++h) {
      for (int64_t w = 0; w < dims[3]; ++w) {
        for (int64_t c = 0; c < dims[1]; ++c) visit(n, c, h, w);
      }
    }
  }
}

void compute_pointwise(const CudnnOperation& o, const CudnnValues& x, const CudnnValues* b, CudnnValues* y) {
  for_each_position(y->dims, [&](int64_t n, int64_t c, int64_t h, int64_t w) {
    const float second = b == nullptr ? 0.0f : b->values[b->spread_index(n, c, h, w)];
    y->values[y->index(n, c, h, w)] = pointwise(o.mode, x.values[x.spread_index(n, c, h, w)], second);
  });
}

void compute_reduction(const CudnnValues& x, CudnnValues* y) {
  std::vector<double> sums(y->values.size());
  for_each_position(x.dims, [&](int64_t n, int64_t c, int64_t h, int64_t w) {
    sums[y->spread_index(n, c, h, w)] += double{x.values[x.index(n, c, h, w)]};
  });
  for (size_t i = 0; i < sums.size(); ++i) y->values[i] = static_cast<float>(sums[i]);
}

}  // namespace

float rounded(float value, cudnnDataType_t type) {
  if (type == CUDNN_DATA_HALF) return HalfFormat::widen(HalfFormat::narrow(value));
  return type == CUDNN_DATA_BFLOAT16 ? Bfloat16Format::widen(Bfloat16Format::narrow(value)) : value;
}

float rounded_to_tf32(float value) {
  if (!std::isfinite(value)) return value;
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  bits = (bits + 0xfffu + (bits >> 13 & 1u)) & ~0x1fffu;
  std::memcpy(&value, &bits, sizeof bits);
  return value;
}

void compute_graph(const CudnnGraph& graph, const CudnnEngine& engine,
                   const std::map<int64_t, void*>& addresses, uint64_t run) {
  std::map<int64_t, CudnnValues> known;
  const auto values_of = [&](const CudnnTensor& t, bool read) -> CudnnValues* {
    const auto found = known.find(t.id);
    if (found != known.end()) return &found->second;
    return &known.emplace(t.id, read ? load(t, addresses.at(t.id)) : CudnnValues(t.dims)).first->second;
  };
  for (const CudnnOperation& o : graph.operations) {
    const CudnnTensor& output = o.output();
    CudnnValues* result = values_of(output, o.beta != 0.0f);
    CudnnValues* x = o.x.id == output.id ? result : values_of(o.x, true);
    CudnnValues* b = !o.has_b() ? nullptr : o.b.id == output.id ? result : values_of(o.b, true);
    CudnnValues* y = o.y.id == output.id ? result : values_of(o.y, true);
    if (o.is_convolution()) {
      compute_convolution(o, engine, run, x, b, y);
    } else if (o.kind == CudnnOperationKind::kReduction) {
      compute_reduction(*x, y);
    } else {
      compute_pointwise(o, *x, b, y);
    }
    for (float& value : result->values) value = rounded(value, output.type);
    if (!output.is_virtual) store(output, *result, addresses.at(output.id));
  }
}

}  // namespace senet::sim
