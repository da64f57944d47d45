// excite and its gradient: all gates, with and without biases, widths around the lanes and threads of a
// block.
#include "excitation_reference.h"

namespace senet::cuda::test {
namespace {

void excite_case(const ExcitationSize& size, const ExcitationKind& kind, bool bias) {
  const auto [images, channels, squeezed, inputs] = size;
  in_case("N", images, "C", channels, "R", squeezed, "Q", inputs, "gate", static_cast<int>(kind.gate),
          "hidden", static_cast<int>(kind.hidden), "bias", bias);
  Random random(channels * 31 + squeezed);
  const auto q = random_values<float>(images * inputs, random);
  const auto w1 = random_values<float>(squeezed * inputs, random);
  const auto w2 = random_values<float>(channels * squeezed, random);
  const auto b1 = random_values<float>(bias ? squeezed : 0, random);
  const auto b2 = random_values<float>(bias ? channels : 0, random);
  const auto ds = random_values<float>(images * channels, random);
  ExcitationReference reference;
  reference.forward(size, kind, q.exact, w1.exact, b1.exact, w2.exact, b2.exact);

  const DeviceArray<float> q_(q.stored), w1_(w1.stored), w2_(w2.stored), b1_(b1.stored), b2_(b2.stored),
      ds_(ds.stored);
  const DeviceArray<float> hidden(images * squeezed), s(images * channels),
      scratch(floats_for(excite_forward_workspace_bytes(size)));
  const ExcitationWeights weights = {w1_, bias ? b1_.data() : nullptr, w2_, bias ? b2_.data() : nullptr};
  excite_forward(size, kind, q_, weights, hidden, s, scratch, stream());
  // A hidden unit adds `inputs` products below 1; a gate adds `squeezed` products of these.
  const double noise = 4 * std::sqrt(static_cast<double>(inputs) + 4);
  const double growth = std::sqrt(static_cast<double>(inputs * squeezed) + 4);
  expect_close("hidden", hidden, reference.hidden, {noise, std::sqrt(static_cast<double>(inputs))});
  expect_close("s", s, reference.s, {2 * noise, growth});

  // The gradient starts from what the kernels gave.
  Doubles h, gates;
  for (float value : hidden.download()) h.push_back(value);
  for (float value : s.download()) gates.push_back(value);
  reference.backward(size, kind, ds.exact, q.exact, h, gates, w1.exact, w2.exact);
  const DeviceArray<float> dq(images * inputs), dw1(squeezed * inputs), db1(squeezed),
      dw2(channels * squeezed), db2(channels), workspace(floats_for(excite_backward_workspace_bytes(size)));
  excite_backward(size, kind, ds_, q_, hidden, s, w1_, w2_,
                  {dw1, bias ? db1.data() : nullptr, dw2, bias ? db2.data() : nullptr, dq}, workspace,
                  stream());
  const Tolerance sums = {4 * std::sqrt(static_cast<double>(channels + squeezed + images)),
                          std::sqrt(static_cast<double>(channels * squeezed * images)) + growth};
  expect_close("dq", dq, reference.dq, sums);
  expect_close("dw1", dw1, reference.dw1, sums);
  expect_close("dw2", dw2, reference.dw2, sums);
  if (bias) expect_close("db1", db1, reference.db1, sums);
  if (bias) expect_close("db2", db2, reference.db2, sums);
}

}  // namespace

KERNEL_TEST(excite) {
  const std::vector<ExcitationSize> sizes = {{1, 1, 1, 1},    {2, 3, 1, 3},    {3, 8, 4, 8},
                                             {2, 64, 4, 16},  {5, 40, 33, 40}, {2, 300, 20, 300},
                                             {35, 16, 7, 16}, {1, 24, 300, 24}};
  for (const ExcitationSize& size : sizes) {
    for (Activation gate :
         {Activation::kSigmoid, Activation::kTanh, Activation::kRelu, Activation::kHardSigmoid}) {
      for (Activation hidden : {Activation::kRelu, Activation::kSilu}) {
        for (bool bias : {false, true}) excite_case(size, {gate, hidden}, bias);
      }
    }
  }
}

}  // namespace senet::cuda::test
