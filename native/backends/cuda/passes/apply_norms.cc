// A batch norm with ReLU before a convolution, as networks with pre-activation have them: its map need not be written
// where the convolution applies scale, shift and ReLU to each element that it reads.
//
// Not in training: there the gradient of the weight needs the map, and cuDNN has no plan for that gradient which would
// normalise while it reads. So the map is written, and to read it costs the convolution what x would.
#include <algorithm>
#include <utility>

#include "backends/cuda/passes/passes.h"
#include "backends/cuda/passes/pays.h"
#include "backends/cuda/passes/uses.h"
#include "backends/norm_tail_operands.h"

namespace senet::cuda {

namespace {

using namespace conv2d_operands;

// Nodes by index: a norm, and the ReLU behind it where that is a node of its own.
struct NormRelu {
  int norm = kAbsent, relu = kAbsent;
};

// Whether a node is a batch norm by its running statistics and nothing more, a ReLU aside.
bool is_norm(const Node& node) {
  namespace tail = norm_tail_operands;
  if (node.op != "batch_norm" && node.op != "norm_tail") return false;
  return !node.flag("training") && !node.has_input(tail::kIdentity) && !node.has_input(tail::kW1);
}

bool has_relu(const Node& norm) {
  return norm.op == "norm_tail" && norm.flag("relu");
}

// What a norm's passes over its map take, on buffers of zeros.
double norm_ms(const Kit& kit, const MapSize& size, Storage storage, bool separate_relu) {
  const TailKind kind{.size = size, .relu = !separate_relu, .eps = 1};
  const DeviceMemory map = timing_buffer(kit, static_cast<size_t>(size.elements()) * size_of(storage)),
                     vector = timing_buffer(kit, static_cast<size_t>(size.channels) * sizeof(float)),
                     workspace = timing_buffer(kit, norm_tail_forward_workspace_bytes(kind));
  const auto* numbers = reinterpret_cast<const float*>(vector.data());
  const cudaStream_t stream = kit.stream->get();
  return with_storage(storage, [&](auto tag) {
    using T = TypeOf<decltype(tag)>;
    TailForward<T> o;
    o.y = reinterpret_cast<T*>(map.data());
    o.x = o.y;
    o.norm = {numbers, numbers, numbers, numbers};
    return milliseconds_of(*kit.stream, [&] {
      norm_tail_forward(kind, o, workspace.data(), stream);
      if (separate_relu) activation_forward(Activation::kRelu, o.x, o.y, size.elements(), stream);
    });
  });
}

class NormsAhead {
 public:
  NormsAhead(Graph* graph, const Kit& kit)
      : graph_(*graph), kit_(kit), uses_(graph_), gone_(graph_.nodes.size()) {}

  Graph apply() {
    for (Node& node : graph_.nodes) {
      if (node.op != "conv2d" && node.op != "conv2d_fused") continue;
      const NormRelu found = find(node.input(kX));
      if (found.norm != kAbsent && saves_time(node, found)) move_into(&node, found);
    }
    return rebuilt();
  }

 private:
  // Index of the node that makes a value for one reader alone, and nothing else that is read; else kAbsent.
  int sole_maker(int id) const {
    const int maker = uses_.maker[id];
    if (maker == kAbsent || uses_.count[id] != 1) return kAbsent;
    const std::vector<int>& outputs = graph_.nodes[maker].outputs;
    const auto is_read = [&](int other) { return other != kAbsent && other != id && uses_.count[other] > 0; };
    return std::any_of(outputs.begin(), outputs.end(), is_read) ? kAbsent : maker;
  }

  // What made a map, if it was a norm with ReLU.
  NormRelu find(int id) const {
    NormRelu found;
    int maker = sole_maker(id);
    if (maker == kAbsent) return {};
    const Node& last = graph_.nodes[maker];
    if (last.op == "activation" && last.text("kind") == "relu") {
      found.relu = maker;
      maker = sole_maker(last.input(0));
    }
    if (maker == kAbsent || !is_norm(graph_.nodes[maker])) return {};
    if (found.relu == kAbsent && !has_relu(graph_.nodes[maker])) return {};
    found.norm = maker;
    return found;
  }

  bool saves_time(const Node& convolution, const NormRelu& found) const {
    const PrepareContext context{graph_, convolution, {}};
    const ConvolutionProblem plain = forward_problem(kit_, context);
    ConvolutionProblem fused = plain;
    fused.fusion.input_norm = true;
    return pays(kit_, convolution.layer, plain, fused, [&] {
      const MapSize size{plain.images, plain.in_height * plain.in_width, plain.in_channels};
      return norm_ms(kit_, size, plain.storage, found.relu != kAbsent);
    });
  }

  void move_into(Node* convolution, const NormRelu& found) {
    convolution->inputs.resize(kInputShift + 1, kAbsent);
    convolution->inputs[kX] = graph_.nodes[found.norm].input(0);
    const auto [scale, shift] = scale_and_shift(&graph_.nodes[found.norm]);
    convolution->inputs[kInputScale] = scale;
    convolution->inputs[kInputShift] = shift;
    if (found.relu != kAbsent) gone_[found.relu] = true;
  }

  // Makes the norm's node compute its scale and shift: what folding it makes of a weight of ones.
  std::pair<int, int> scale_and_shift(Node* norm) {
    const std::vector<int64_t> channels{graph_.values[norm->input(0)].shape.back()};
    const int ones = add_value(channels, norm->layer), scale = add_value(channels, norm->layer),
              shift = add_value(channels, norm->layer);
    std::vector<int> inputs{ones, kAbsent};
    inputs.insert(inputs.end(), norm->inputs.begin() + 1, norm->inputs.begin() + 5);
    fills_.push_back({"fill", norm->layer, {}, {ones}, {{"value", 1.0}}});
    *norm = {
        "fold_batch_norm", norm->layer, std::move(inputs), {scale, shift}, {{"eps", norm->number("eps")}}};
    return {scale, shift};
  }

  int add_value(const std::vector<int64_t>& shape, const std::string& name) {
    Value value;
    value.shape = shape;
    value.name = name;
    graph_.values.push_back(std::move(value));
    return static_cast<int>(graph_.values.size()) - 1;
  }

  Graph rebuilt() {
    std::vector<Node> nodes = std::move(fills_);
    for (size_t i = 0; i < gone_.size(); ++i) {
      if (!gone_[i]) nodes.push_back(std::move(graph_.nodes[i]));
    }
    graph_.nodes = std::move(nodes);
    return std::move(graph_);
  }

  Graph& graph_;
  const Kit& kit_;
  const Uses uses_;
  std::vector<bool> gone_;   // per node: not needed any more
  std::vector<Node> fills_;  // new nodes, to come first
};

}  // namespace

Graph apply_norms(Graph graph, const Kit& kit) {
  return NormsAhead(&graph, kit).apply();
}

}  // namespace senet::cuda
