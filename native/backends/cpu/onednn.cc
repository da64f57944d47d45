#include "backends/cpu/onednn.h"

#include <oneapi/dnnl/dnnl.h>
#include <oneapi/dnnl/dnnl_debug.h>

#include <string>
#include <utility>

#include "core/error.h"

namespace senet::cpu {

namespace {

using dnnl::algorithm;
using dnnl::memory;

const char* instruction_set() {
  switch (static_cast<int>(dnnl_get_effective_cpu_isa())) {
    case dnnl_cpu_isa_sse41:
      return "sse4.1";
    case dnnl_cpu_isa_avx:
      return "avx";
    case dnnl_cpu_isa_avx2:
    case dnnl_cpu_isa_avx2_vnni:
      return "avx2";
    case dnnl_cpu_isa_avx512_core:
    case dnnl_cpu_isa_avx512_core_vnni:
    case dnnl_cpu_isa_avx512_core_bf16:
      return "avx512";
    default:
      return "native";
  }
}

memory::desc any_format(const memory::dims& dims) {
  return memory::desc(dims, memory::data_type::f32, memory::format_tag::any);
}

memory::dims weight_dims(const ConvolutionProblem& p) {
  if (p.groups == 1) return {p.out_channels, p.in_channels, p.kernel[0], p.kernel[1]};
  return {p.groups, p.out_channels / p.groups, p.in_channels / p.groups, p.kernel[0], p.kernel[1]};
}

// What both directions of the API need, in oneDNN's terms: a dilation of 0 is none, padding comes by side.
struct Arguments {
  memory::desc x, weight, bias, y;
  memory::dims stride, dilation, before, after;
};

dnnl::convolution_forward::primitive_desc forward_desc(const ConvolutionProblem& p, const Arguments& a,
                                                       const dnnl::primitive_attr& attributes) {
  using Found = dnnl::convolution_forward::primitive_desc;
  const auto kind = p.inference ? dnnl::prop_kind::forward_inference : dnnl::prop_kind::forward_training;
  const auto direct = algorithm::convolution_direct;
#if DNNL_VERSION_MAJOR < 3
  const dnnl::convolution_forward::desc desc(kind, direct, a.x, a.weight, a.bias, a.y, a.stride, a.dilation,
                                             a.before, a.after);
  return Found(desc, attributes, onednn_engine(), true);
#else
  return Found(onednn_engine(), kind, direct, a.x, a.weight, a.bias, a.y, a.stride, a.dilation, a.before,
               a.after, attributes, true);
#endif
}

dnnl::primitive_desc_base grad_input_desc(const Arguments& a,
                                          const dnnl::convolution_forward::primitive_desc& forward,
                                          const dnnl::primitive_attr& attributes) {
  using Desc = dnnl::convolution_backward_data;
  const auto direct = algorithm::convolution_direct;
#if DNNL_VERSION_MAJOR < 3
  const Desc::desc desc(direct, a.x, a.weight, a.y, a.stride, a.dilation, a.before, a.after);
  return Desc::primitive_desc(desc, attributes, onednn_engine(), forward, true);
#else
  return Desc::primitive_desc(onednn_engine(), direct, a.x, a.weight, a.y, a.stride, a.dilation, a.before,
                              a.after, forward, attributes, true);
#endif
}

// oneDNN 2.6 has a kernel for strided 1x1 convolutions that sums wrong products when maps are channels-last.
bool is_broken(const ConvolutionProblem& p, const dnnl::primitive_desc_base& desc) {
  const bool strided = p.stride[0] > 1 || p.stride[1] > 1;
  const bool channels_last = desc.query_md(dnnl::query::src_md) ==
                             map_desc(p.images, p.in_channels, p.in_height, p.in_width, p.in_channels);
  return strided && channels_last && std::string(desc.impl_info_str()).rfind("jit_1x1", 0) == 0;
}

dnnl::primitive_desc_base grad_weight_desc(const ConvolutionProblem& p, const Arguments& a,
                                           const dnnl::convolution_forward::primitive_desc& forward,
                                           const dnnl::primitive_attr& attributes) {
  using Desc = dnnl::convolution_backward_weights;
  const auto direct = algorithm::convolution_direct;
#if DNNL_VERSION_MAJOR < 3
  const Desc::desc desc(direct, a.x, a.weight, a.bias, a.y, a.stride, a.dilation, a.before, a.after);
  Desc::primitive_desc found(desc, attributes, onednn_engine(), forward, true);
#else
  Desc::primitive_desc found(onednn_engine(), direct, a.x, a.weight, a.bias, a.y, a.stride, a.dilation,
                             a.before, a.after, forward, attributes, true);
#endif
  while (found.get(true) != nullptr && is_broken(p, found)) {
    if (!found.next_impl()) return {};
  }
  return found;
}

// An elementwise function with its two constants.
struct Eltwise {
  algorithm function;
  float alpha, beta;
};

std::optional<Eltwise> eltwise_of(Activation activation) {
  switch (activation) {
    case Activation::kRelu:
      return Eltwise{algorithm::eltwise_relu, 0.0f, 0.0f};
    case Activation::kRelu6:
      return Eltwise{algorithm::eltwise_clip, 0.0f, 6.0f};
    case Activation::kHardSwish:
      // x * clip(alpha x + beta, 0, 1); the constants are given in 2.x.
      return Eltwise{algorithm::eltwise_hardswish, 1.0f / 6.0f, 0.5f};
    default:
      return std::nullopt;
  }
}

dnnl::post_ops post_ops_of(const ConvolutionProblem& p) {
  dnnl::post_ops operations;
  if (p.adds) operations.append_sum(1.0f);
  if (p.activation) {
    const Eltwise eltwise = eltwise_of(*p.activation).value();
#if DNNL_VERSION_MAJOR < 3
    operations.append_eltwise(1.0f, eltwise.function, eltwise.alpha, eltwise.beta);
#else
    operations.append_eltwise(eltwise.function, eltwise.alpha, eltwise.beta);
#endif
  }
  return operations;
}

}  // namespace

const dnnl::engine& onednn_engine() {
  // Never destroyed: other threads may still hold primitives when the process ends.
  static const auto* engine = new dnnl::engine(dnnl::engine::kind::cpu, 0);
  return *engine;
}

std::string onednn_description() {
  const dnnl_version_t* v = dnnl_version();
  return "oneDNN " + std::to_string(v->major) + "." + std::to_string(v->minor) + "." +
         std::to_string(v->patch) + ", " + instruction_set();
}

int64_t onednn_block() {
  // oneDNN numbers instruction sets so that each has the bits of those it includes.
  const auto isa = static_cast<unsigned>(dnnl_get_effective_cpu_isa());
  constexpr auto kAvx512 = static_cast<unsigned>(dnnl_cpu_isa_avx512_core);
  return (isa & kAvx512) == kAvx512 ? 16 : 8;
}

bool onednn_has(Activation activation) {
  return eltwise_of(activation).has_value();
}

void check_onednn(dnnl_status_t status, const std::string& layer, const char* what) {
  if (status == dnnl_success) return;
  const auto code = status == dnnl_out_of_memory       ? ErrorCode::kOutOfMemory
                    : status == dnnl_unimplemented     ? ErrorCode::kUnsupported
                    : status == dnnl_invalid_arguments ? ErrorCode::kArgument
                                                       : ErrorCode::kInternal;
  throw Error(code, layer + ": oneDNN: " + what + ": " + dnnl_status2str(status));
}

memory::desc map_desc(int64_t images, int64_t channels, int64_t height, int64_t width, int64_t block) {
  const auto format = block == channels ? memory::format_tag::nhwc
                      : block == 16     ? memory::format_tag::nChw16c
                                        : memory::format_tag::nChw8c;
  return memory::desc({images, channels, height, width}, memory::data_type::f32, format);
}

memory::desc weight_desc(const ConvolutionProblem& p) {
  const auto format = p.groups == 1 ? memory::format_tag::oihw : memory::format_tag::goihw;
  return memory::desc(weight_dims(p), memory::data_type::f32, format);
}

memory::desc bias_desc(const ConvolutionProblem& p) {
  return memory::desc({p.out_channels}, memory::data_type::f32, memory::format_tag::a);
}

dnnl::primitive_desc_base convolution_desc(const ConvolutionProblem& p, memory::desc x, MapForm x_form,
                                           memory::desc y, MapForm y_form) {
  if (x_form == MapForm::kAny) x = any_format({p.images, p.in_channels, p.in_height, p.in_width});
  if (y_form == MapForm::kAny) y = any_format({p.images, p.out_channels, p.out_height, p.out_width});
  const Arguments arguments{x,
                            any_format(weight_dims(p)),
                            p.bias ? bias_desc(p) : memory::desc(),
                            y,
                            {p.stride[0], p.stride[1]},
                            {p.dilation[0] - 1, p.dilation[1] - 1},
                            {p.padding[0], p.padding[2]},
                            {p.padding[1], p.padding[3]}};
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  attributes.set_post_ops(post_ops_of(p));
  auto forward = forward_desc(p, arguments, attributes);
  if (!forward.get(true) || p.direction == ConvolutionDirection::kForward) return forward;
  return p.direction == ConvolutionDirection::kGradInput
             ? grad_input_desc(arguments, forward, attributes)
             : grad_weight_desc(p, arguments, forward, attributes);
}

PrimitiveCall::PrimitiveCall(const std::string& layer, const dnnl::primitive_desc_base& desc)
    : layer_(layer), primitive_(desc.get()), stream_(onednn_engine()) {}

void PrimitiveCall::run() const {
  check_onednn(dnnl_primitive_execute(primitive_.get(), stream_.get(), static_cast<int>(arguments_.size()),
                                      arguments_.data()),
               layer_, "dnnl_primitive_execute");
}

PrimitiveCall reorder_call(const std::string& layer, const memory& from, const memory& to) {
  const dnnl::reorder::primitive_desc desc(onednn_engine(), from.get_desc(), onednn_engine(), to.get_desc());
  PrimitiveCall call(layer, desc);
  call.add(DNNL_ARG_FROM, from);
  call.add(DNNL_ARG_TO, to);
  return call;
}

memory unbound_memory(const memory::desc& desc) {
  return memory(desc, onednn_engine(), nullptr);
}

void multiply_matrices(const std::string& layer, const MatrixProduct& p, const float* a, const float* b,
                       float* y) {
  check_onednn(dnnl_sgemm(p.transpose_a ? 'T' : 'N', p.transpose_b ? 'T' : 'N', p.rows, p.columns, p.depth,
                          1.0f, a, p.transpose_a ? p.rows : p.depth, b, p.transpose_b ? p.depth : p.columns,
                          p.beta, y, p.columns),
               layer, "dnnl_sgemm");
}

}  // namespace senet::cpu
