// oneDNN, as far as this project uses it. The C++ APIs of oneDNN 2.x and 3.x differ; onednn.cc is the only
// file that knows how. Everything else uses what both have.
#pragma once

#include <oneapi/dnnl/dnnl.hpp>

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "backends/cpu/kernels/activation.h"
#include "core/graph.h"

namespace senet::cpu {

// The CPU engine of this process.
const dnnl::engine& onednn_engine();

// Version and instruction set, "oneDNN 2.6.3, avx2".
std::string onednn_description();

// Channels per block in the layout its convolutions like best on this processor.
int64_t onednn_block();

// Turns the failure of a call into an Error "<layer>: oneDNN: <what>: <status>".
void check_onednn(dnnl_status_t status, const std::string& layer, const char* what);

// The same for calls that throw dnnl::error.
template <typename Call>
auto onednn_call(const std::string& layer, const char* what, const Call& call) {
  try {
    return call();
  } catch (const dnnl::error& error) {
    check_onednn(error.status, layer, what);
    throw;
  }
}

enum class ConvolutionDirection { kForward, kGradInput, kGradWeight };

// One of the three computations that belong to a convolution y = conv(x, weight) + bias.
struct ConvolutionProblem {
  ConvolutionDirection direction = ConvolutionDirection::kForward;
  int64_t images = 0, groups = 1;
  int64_t in_channels = 0, in_height = 0, in_width = 0;
  int64_t out_channels = 0, out_height = 0, out_width = 0;
  std::array<int64_t, 2> kernel{}, stride{}, dilation{};
  std::array<int64_t, 4> padding{};  // top, bottom, left, right
  bool bias = false;                 // forward: add it; kGradWeight: give its gradient
  bool inference = false;            // forward only
  // Forward only: y = activation( conv + bias + what was in y ), the latter if `adds`.
  bool adds = false;
  std::optional<Activation> activation;
};

// Whether a convolution can have the activation and that takes less time than a pass of its own: oneDNN's SiLU takes more.
bool onednn_has(Activation activation);

// How oneDNN may see a map: in the form the program stores it in, or in whatever form suits it.
enum class MapForm { kStored, kAny };

// oneDNN's descriptors of the operands as the program stores them.
dnnl::memory::desc map_desc(int64_t images, int64_t channels, int64_t height, int64_t width, int64_t block);
dnnl::memory::desc weight_desc(const ConvolutionProblem& problem);
dnnl::memory::desc bias_desc(const ConvolutionProblem& problem);

// The best implementation for the given map descriptors (a form of kAny lets oneDNN replace the descriptor's
// format); empty when oneDNN has none. Weights are always in the form oneDNN likes. The scratchpad is the
// caller's.
dnnl::primitive_desc_base convolution_desc(const ConvolutionProblem& problem, dnnl::memory::desc x,
                                           MapForm x_form, dnnl::memory::desc y, MapForm y_form);

// A primitive with its arguments in place, so that running it looks nothing up.
class PrimitiveCall {
 public:
  PrimitiveCall() = default;
  PrimitiveCall(const std::string& layer, const dnnl::primitive_desc_base& desc);

  void add(int argument, const dnnl::memory& memory) { arguments_.push_back({argument, memory.get()}); }
  void run() const;

 private:
  std::string layer_;
  dnnl::primitive primitive_;
  dnnl::stream stream_;
  std::vector<dnnl_exec_arg_t> arguments_;
};

// Copies from one form of a tensor to another.
PrimitiveCall reorder_call(const std::string& layer, const dnnl::memory& from, const dnnl::memory& to);

// A tensor whose address comes later, by set_data_handle.
dnnl::memory unbound_memory(const dnnl::memory::desc& desc);

// y[M,N] = op(a) op(b) + beta * y, row-major, where op transposes when told; a is [M,K] or transposed [K,M].
struct MatrixProduct {
  bool transpose_a = false, transpose_b = false;
  int64_t rows = 0, columns = 0, depth = 0;
  float beta = 0.0f;
};
void multiply_matrices(const std::string& layer, const MatrixProduct& product, const float* a, const float* b,
                       float* y);

}  // namespace senet::cpu
