// One convolution by oneDNN, in any of its three directions, as the steps of conv2d and its gradients use it.
#pragma once

#include <optional>
#include <string>
#include <utility>

#include "backends/backend.h"
#include "backends/cpu/onednn.h"

namespace senet::cpu {

// Reads the problem of a conv2d, conv2d_fused, conv2d_grad_input or conv2d_grad_weight node. Error
// (kArgument) when a tensor has another rank or size than the computation would read or write.
ConvolutionProblem convolution_problem(const Graph& graph, const Node& node);

// Values of a convolution node, whichever direction it has: the map x, the map y and the weight.
struct ConvolutionValues {
  int x, y, weight, bias;
};
ConvolutionValues convolution_values(const Node& node);

// What computes a convolution node: oneDNN unless lower() says otherwise.
enum class ConvolutionAlgorithm { kDirect, kWinograd, kStrips, kGroups };
void set_algorithm(Node* node, ConvolutionAlgorithm algorithm);
ConvolutionAlgorithm algorithm_of(const Node& node);

// Whether oneDNN has only its slow reference code for a problem whose maps lie in the given blocks. A map of
// the input side with a block that is not 8 may be brought into another form first.
bool only_reference(const std::string& layer, const ConvolutionProblem& problem, int64_t x_block,
                    int64_t y_block);

// Whether a forward convolution can have what `fused` says, but `plain` does not, in the same pass and by the same code
// as without it, with y in the form the program stores it in.
bool fuses(const std::string& layer, const ConvolutionProblem& plain, const ConvolutionProblem& fused,
           int64_t x_block, int64_t y_block);

// How many filters lie side by side in the weight as a forward convolution wants it, [filters / lanes][...][lanes]; 0 where
// they lie otherwise.
int64_t weight_lanes(const std::string& layer, const ConvolutionProblem& problem, int64_t x_block,
                     int64_t y_block);

// Puts into y what a convolution that adds expects there, unless y has taken over the residual's memory.
void place_residual(const float* residual, float* y, int64_t elements);

// Addresses of the operands; the direction says which of them are written.
struct ConvolutionAddresses {
  const void *x, *weight, *bias, *y;
};

// The primitive with whatever reorders its operands need. Maps are taken in the form the program stores them
// in unless oneDNN has only reference code for that.
class Convolution {
 public:
  // Directions other than kGradWeight read the weight. With `constant_weight` the packed weight is kept in
  // the constants and made by pack_weight() once; without, it lives in the workspace and pack_weight()
  // belongs before each run.
  Convolution(const std::string& layer, const ConvolutionProblem& problem, int64_t x_block, int64_t y_block,
              bool constant_weight);

  size_t workspace_bytes() const { return workspace_bytes_; }
  size_t constant_bytes() const { return constant_bytes_; }
  const std::string& implementation() const { return implementation_; }

  void bind(const ConvolutionAddresses& addresses, void* workspace, void* constants);
  void pack_weight() const;
  // From here on, until the next bind(), the packed weight is written and read there.
  void place_weight(void* packed) { weight_.used.set_data_handle(packed); }
  // Computes the images [share * images, (share + 1) * images), where `images` is the problem's.
  void run(int64_t share = 0);

 private:
  // A tensor in the program's form and, when the primitive wants another, in that one as well.
  struct Operand {
    dnnl::memory stored, used;
    std::optional<PrimitiveCall> reorder;
    size_t offset = 0;
    const char* address = nullptr;

    void bind(const void* stored_address, void* packed);
    void move_to(int64_t share);
  };

  static Operand make_operand(const std::string& layer, const dnnl::memory::desc& stored,
                              const dnnl::memory::desc& used, bool written, size_t* bytes);

  dnnl::primitive_desc_base desc_;
  ConvolutionDirection direction_;
  bool constant_weight_;
  Operand x_, weight_, bias_, y_;
  dnnl::memory scratchpad_;
  size_t scratchpad_offset_ = 0;
  PrimitiveCall primitive_;
  size_t workspace_bytes_ = 0;
  size_t constant_bytes_ = 0;
  std::string implementation_;
};

}  // namespace senet::cpu
