#include "backends/cpu/convolution.h"

#include <algorithm>
#include <utility>

#include "backends/cpu/layout.h"
#include "backends/cpu/parallel.h"
#include "backends/require.h"
#include "core/error.h"
#include "core/memory_plan.h"

namespace senet::cpu {

namespace {

constexpr const char* kAlgorithm = "algorithm";

bool is_reference(const dnnl::primitive_desc_base& desc) {
  return !desc || std::string(desc.impl_info_str()).rfind("ref", 0) == 0;
}

// The best descriptor: with the maps as they are stored, or else with those oneDNN prefers.
dnnl::primitive_desc_base best_desc(const ConvolutionProblem& p, int64_t x_block, int64_t y_block) {
  const auto x = map_desc(p.images, p.in_channels, p.in_height, p.in_width, x_block);
  const auto y = map_desc(p.images, p.out_channels, p.out_height, p.out_width, y_block);
  constexpr std::pair<MapForm, MapForm> kForms[] = {{MapForm::kStored, MapForm::kStored},
                                                    {MapForm::kAny, MapForm::kStored},
                                                    {MapForm::kStored, MapForm::kAny},
                                                    {MapForm::kAny, MapForm::kAny}};
  dnnl::primitive_desc_base found;
  for (const auto& [x_form, y_form] : kForms) {
    auto desc = convolution_desc(p, x, x_form, y, y_form);
    if (!is_reference(desc)) return desc;
    if (!found) found = desc;
  }
  return found;
}

// Places of the operands in a primitive of each direction: argument, and the query for its descriptor.
struct Places {
  int x, weight, bias, y;
  dnnl::query x_query, weight_query, y_query;
};

Places places_of(ConvolutionDirection direction) {
  using dnnl::query;
  switch (direction) {
    case ConvolutionDirection::kGradInput:
      return {DNNL_ARG_DIFF_SRC, DNNL_ARG_WEIGHTS,  0, DNNL_ARG_DIFF_DST, query::diff_src_md,
              query::weights_md, query::diff_dst_md};
    case ConvolutionDirection::kGradWeight:
      return {DNNL_ARG_SRC,  DNNL_ARG_DIFF_WEIGHTS,  DNNL_ARG_DIFF_BIAS, DNNL_ARG_DIFF_DST,
              query::src_md, query::diff_weights_md, query::diff_dst_md};
    default:
      return {DNNL_ARG_SRC,  DNNL_ARG_WEIGHTS,  DNNL_ARG_BIAS, DNNL_ARG_DST,
              query::src_md, query::weights_md, query::dst_md};
  }
}

}  // namespace

void set_algorithm(Node* node, ConvolutionAlgorithm algorithm) {
  node->attributes[kAlgorithm] = static_cast<double>(algorithm);
}

ConvolutionAlgorithm algorithm_of(const Node& node) {
  if (node.attributes.count(kAlgorithm) == 0) return ConvolutionAlgorithm::kDirect;
  return static_cast<ConvolutionAlgorithm>(node.integer(kAlgorithm));
}

ConvolutionValues convolution_values(const Node& node) {
  if (node.op == "conv2d_grad_input") return {node.output(0), node.input(0), node.input(1), kAbsent};
  if (node.op == "conv2d_grad_weight") return {node.input(0), node.input(1), node.output(0), node.output(1)};
  return {node.input(0), node.output(0), node.input(1), node.input(2)};
}

ConvolutionProblem convolution_problem(const Graph& graph, const Node& node) {
  const ConvolutionValues ids = convolution_values(node);
  require(ids.x != kAbsent && ids.y != kAbsent && ids.weight != kAbsent, node, "two maps and a weight");
  const Value &x = graph.values[ids.x], &y = graph.values[ids.y], &weight = graph.values[ids.weight];
  require(x.is_map() && y.is_map() && weight.shape.size() == 4, node, "maps and a weight of rank 4");
  const auto stride = node.integers("stride"), padding = node.integers("padding"),
             dilation = node.integers("dilation");
  require(stride.size() == 2 && padding.size() == 4 && dilation.size() == 2, node, "a complete geometry");

  ConvolutionProblem p;
  p.images = x.shape[0];
  p.groups = node.integer("groups");
  p.in_height = x.shape[1], p.in_width = x.shape[2], p.in_channels = x.shape[3];
  p.out_height = y.shape[1], p.out_width = y.shape[2], p.out_channels = y.shape[3];
  p.kernel = {weight.shape[2], weight.shape[3]};
  p.stride = {stride[0], stride[1]};
  p.dilation = {dilation[0], dilation[1]};
  p.padding = {padding[0], padding[1], padding[2], padding[3]};
  p.bias = ids.bias != kAbsent;
  p.inference = node.op == "conv2d_fused";
  if (node.op == "conv2d_grad_input") p.direction = ConvolutionDirection::kGradInput;
  if (node.op == "conv2d_grad_weight") p.direction = ConvolutionDirection::kGradWeight;

  // What follows keeps oneDNN within the tensors.
  require(p.groups >= 1 && p.in_channels % p.groups == 0 && p.out_channels % p.groups == 0, node,
          "groups that divide the channels");
  require(weight.shape[0] == p.out_channels && weight.shape[1] == p.in_channels / p.groups, node,
          "a weight that fits the maps");
  require(y.shape[0] == p.images, node, "maps of one batch");
  require(!p.bias || graph.values[ids.bias].elements() == p.out_channels, node, "one bias per filter");
  const auto output = [](int64_t in, int64_t kernel, int64_t s, int64_t before, int64_t after, int64_t d) {
    return (in + before + after - d * (kernel - 1) - 1) / s + 1;
  };
  require(stride[0] >= 1 && stride[1] >= 1 && dilation[0] >= 1 && dilation[1] >= 1, node,
          "strides of at least 1");
  require(std::all_of(padding.begin(), padding.end(), [](int64_t v) { return v >= 0; }), node,
          "paddings of at least 0");
  require(p.out_height == output(p.in_height, p.kernel[0], stride[0], padding[0], padding[1], dilation[0]) &&
              p.out_width == output(p.in_width, p.kernel[1], stride[1], padding[2], padding[3], dilation[1]),
          node, "an output of the geometry's size");
  return p;
}

bool only_reference(const std::string& layer, const ConvolutionProblem& problem, int64_t x_block,
                    int64_t y_block) {
  return onednn_call(layer, "convolution descriptor",
                     [&] { return is_reference(best_desc(problem, x_block, y_block)); });
}

bool fuses(const std::string& layer, const ConvolutionProblem& plain, const ConvolutionProblem& fused,
           int64_t x_block, int64_t y_block) {
  return onednn_call(layer, "convolution descriptor", [&] {
    const auto desc = best_desc(fused, x_block, y_block), without = best_desc(plain, x_block, y_block);
    return !is_reference(desc) && std::string(desc.impl_info_str()) == without.impl_info_str() &&
           desc.query_md(dnnl::query::dst_md) ==
               map_desc(fused.images, fused.out_channels, fused.out_height, fused.out_width, y_block);
  });
}

int64_t weight_lanes(const std::string& layer, const ConvolutionProblem& problem, int64_t x_block,
                     int64_t y_block) {
  if (problem.groups != 1) return 0;
  return onednn_call(layer, "convolution descriptor", [&]() -> int64_t {
    const auto wanted = best_desc(problem, x_block, y_block).query_md(dnnl::query::weights_md);
    const auto is = [&](dnnl::memory::format_tag tag) {
      return wanted == dnnl::memory::desc(wanted.dims(), dnnl::memory::data_type::f32, tag);
    };
    if (is(dnnl::memory::format_tag::OIhw8i8o)) return 8;
    return is(dnnl::memory::format_tag::OIhw16i16o) ? 16 : 0;
  });
}

void place_residual(const float* residual, float* y, int64_t elements) {
  if (residual == y) return;
  parallel_for(elements,
               [=](int64_t begin, int64_t end) { std::copy(residual + begin, residual + end, y + begin); });
}

void Convolution::Operand::bind(const void* stored_address, void* packed) {
  address = static_cast<const char*>(stored_address);
  stored.set_data_handle(const_cast<char*>(address));
  if (reorder) used.set_data_handle(static_cast<char*>(packed) + offset);
}

void Convolution::Operand::move_to(int64_t share) {
  stored.set_data_handle(const_cast<char*>(address) + share * stored.get_desc().get_size());
}

Convolution::Operand Convolution::make_operand(const std::string& layer, const dnnl::memory::desc& stored,
                                               const dnnl::memory::desc& used, bool written, size_t* bytes) {
  Operand operand;
  operand.stored = unbound_memory(stored);
  if (stored == used) {
    operand.used = operand.stored;
    return operand;
  }
  operand.used = unbound_memory(used);
  operand.reorder = written ? reorder_call(layer, operand.used, operand.stored)
                            : reorder_call(layer, operand.stored, operand.used);
  operand.offset = *bytes;
  *bytes += align_up(used.get_size());
  return operand;
}

Convolution::Convolution(const std::string& layer, const ConvolutionProblem& p, int64_t x_block,
                         int64_t y_block, bool constant_weight)
    : direction_(p.direction), constant_weight_(constant_weight) {
  onednn_call(layer, "convolution", [&] {
    desc_ = best_desc(p, x_block, y_block);
    if (!desc_) throw Error(ErrorCode::kUnsupported, layer + ": oneDNN has no such convolution");
    const Places places = places_of(direction_);
    const auto md = [&](dnnl::query query, int index = 0) { return desc_.query_md(query, index); };
    x_ = make_operand(layer, map_desc(p.images, p.in_channels, p.in_height, p.in_width, x_block),
                      md(places.x_query), direction_ == ConvolutionDirection::kGradInput, &workspace_bytes_);
    y_ = make_operand(layer, map_desc(p.images, p.out_channels, p.out_height, p.out_width, y_block),
                      md(places.y_query), direction_ == ConvolutionDirection::kForward, &workspace_bytes_);
    weight_ = make_operand(layer, weight_desc(p), md(places.weight_query),
                           direction_ == ConvolutionDirection::kGradWeight,
                           constant_weight_ ? &constant_bytes_ : &workspace_bytes_);
    primitive_ = PrimitiveCall(layer, desc_);
    primitive_.add(places.x, x_.used);
    primitive_.add(places.weight, weight_.used);
    primitive_.add(places.y, y_.used);
    if (p.bias) {
      bias_ = make_operand(layer, bias_desc(p), bias_desc(p), false, &workspace_bytes_);
      primitive_.add(places.bias, bias_.used);
    }
    scratchpad_ = unbound_memory(md(dnnl::query::scratchpad_md));
    scratchpad_offset_ = workspace_bytes_;
    workspace_bytes_ += align_up(scratchpad_.get_desc().get_size());
    primitive_.add(DNNL_ARG_SCRATCHPAD, scratchpad_);
    implementation_ = desc_.impl_info_str();
    if (x_.reorder || y_.reorder) implementation_ += "+reorder";
    return 0;
  });
}

void Convolution::bind(const ConvolutionAddresses& addresses, void* workspace, void* constants) {
  x_.bind(addresses.x, workspace);
  y_.bind(addresses.y, workspace);
  weight_.bind(addresses.weight, constant_weight_ ? constants : workspace);
  if (addresses.bias != nullptr) bias_.bind(addresses.bias, nullptr);
  scratchpad_.set_data_handle(static_cast<char*>(workspace) + scratchpad_offset_);
}

void Convolution::pack_weight() const {
  if (weight_.reorder) weight_.reorder->run();
}

void Convolution::run(int64_t share) {
  x_.move_to(share);
  y_.move_to(share);
  const bool writes_x = direction_ == ConvolutionDirection::kGradInput;
  const bool writes_y = direction_ == ConvolutionDirection::kForward;
  if (x_.reorder && !writes_x) x_.reorder->run();
  if (y_.reorder && !writes_y) y_.reorder->run();
  primitive_.run();
  if (x_.reorder && writes_x) x_.reorder->run();
  if (y_.reorder && writes_y) y_.reorder->run();
  if (direction_ == ConvolutionDirection::kGradWeight) pack_weight();
}

}  // namespace senet::cpu
