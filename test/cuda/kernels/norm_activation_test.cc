// norm_activation and its gradient against the chain of plain ops that defines it, so that the algebra of the fused
// passes is checked against something that does not share it.
#include "norm_tail_reference.h"

namespace senet::cuda::test {
namespace {

constexpr double kEps = 0.01;  // as in norm_tail_test.cc

constexpr Activation kActivations[] = {Activation::kSigmoid,     Activation::kTanh,  Activation::kRelu,
                                       Activation::kHardSigmoid, Activation::kRelu6, Activation::kSilu,
                                       Activation::kHardSwish};

std::vector<double> kinks_of(Activation kind) {
  switch (kind) {
    case Activation::kRelu:
      return {0};
    case Activation::kRelu6:
      return {0, 6};
    case Activation::kHardSigmoid:
    case Activation::kHardSwish:
      return {-3, 3};
    default:
      return {};
  }
}

// A norm's map, parameters and weights, and what the plain ops make of them.
template <typename T>
struct ActivationCase {
  NormActivationKind kind;
  bool bias;
  NormValues norm;
  Values<float> w1, b1, w2, b2;
  Values<T> x;
  Statistics used;
  Doubles z, t, slopes;

  ActivationCase(const NormActivationKind& which, bool with_bias, Random& random)
      : kind(which),
        bias(with_bias),
        norm(which.size.channels, random),
        w1(random_values<float>(which.squeezed * which.size.channels, random)),
        b1(random_values<float>(which.squeezed, random)),
        w2(random_values<float>(which.squeezed * which.size.channels, random)),
        b2(random_values<float>(which.size.channels, random)),
        // A mean far from zero shows cancellation.
        x(random_values<T>(which.size.elements(), random, 2, 4)) {
    if (!bias) b1.exact.clear();
    if (!bias) b2.exact.clear();
    // Rounding decides what the slope is next to a kink: no element may lie there.
    for (int round = 0; round < 20; ++round) {
      evaluate();
      if (!move_off_kinks(random)) return;
    }
    fail("elements stay next to kinks");
  }

  const MapSize& size() const { return kind.size; }
  bool excites() const { return kind.squeezed > 0; }
  int64_t gates() const { return size().images * size().channels; }
  ExcitationSize excitation() const {
    return {size().images, size().channels, kind.squeezed, size().channels};
  }
  void describe(const std::string& what) const {
    const auto [n, p, c] = size();
    in_case(storage_name<T>(), what, n, p, c, "activation", static_cast<int>(kind.activation), "training",
            kind.training, "R", kind.squeezed, "gate", static_cast<int>(kind.gates.gate), "hidden",
            static_cast<int>(kind.gates.hidden), "bias", bias);
  }
  // Sums over positions of slopes, and of slopes * (x - mean): [N,C].
  Doubles slope_sums(bool centred) const {
    Doubles sums(gates(), 0);
    for (int64_t i = 0; i < size().elements(); ++i) {
      sums[gate_index(size(), i)] += slopes[i] * (centred ? x.exact[i] - used.mean[i % size().channels] : 1);
    }
    return sums;
  }

 private:
  void evaluate() {
    used = {norm.mean.exact, norm.variance.exact};
    if (kind.training) {
      used = batch_statistics(size(), x.exact);
      // The gradient reads them as floats, and so does the reference.
      for (double& value : used.mean) value = static_cast<float>(value);
      for (double& value : used.variance) value = static_cast<float>(value);
    }
    z = normalise(size(), x.exact, norm, used, kind.eps);
    t.clear();
    slopes.clear();
    for (double value : z) {
      t.push_back(activate(kind.activation, value));
      slopes.push_back(slope(kind.activation, needs_argument(kind.activation) ? value : t.back()));
    }
  }
  bool move_off_kinks(Random& random) {
    bool moved = false;
    for (size_t i = 0; i < z.size(); ++i) {
      for (double kink : kinks_of(kind.activation)) {
        if (std::abs(z[i] - kink) > 1e-4) continue;
        const Values<T> other = random_values<T>(1, random, 2, 4);
        x.stored[i] = other.stored[0];
        x.exact[i] = other.exact[0];
        moved = true;
      }
    }
    return moved;
  }
};

// summed: the statistics come from sums, not from a pass.
template <typename T>
void forward_case(const NormActivationKind& kind, bool bias, int64_t misaligned, bool summed) {
  const MapSize& size = kind.size;
  const int64_t elements = size.elements(), channels = size.channels;
  Random random(elements + channels);
  const ActivationCase<T> given(kind, bias, random);
  given.describe(summed ? "summed" : "forward");
  const Doubles squeeze = pooled(size, given.t);
  Doubles y = given.t;
  ExcitationReference excitation;
  if (given.excites()) {
    excitation.forward(given.excitation(), kind.gates, squeeze, given.w1.exact, given.b1.exact,
                       given.w2.exact, given.b2.exact);
    for (int64_t i = 0; i < elements; ++i) y[i] *= excitation.s[gate_index(size, i)];
  }

  const DeviceArray<T> x(given.x.stored, misaligned), y_(elements);
  const DeviceArray<float> gamma(given.norm.gamma.stored), beta(given.norm.beta.stored),
      running_mean(given.norm.mean.stored), running_variance(given.norm.variance.stored), w1(given.w1.stored),
      b1(given.b1.stored), w2(given.w2.stored), b2(given.b2.stored), mean(channels), variance(channels),
      squeeze_(given.gates()), hidden(size.images * kind.squeezed), gate(given.gates()),
      slopes(given.gates()), slopes_x(given.gates()),
      workspace(floats_for(norm_activation_forward_workspace_bytes(kind)));
  // Without statistics of the batch half of the cases is inference, which keeps nothing.
  const bool saves = kind.training || bias;
  NormActivationForward<T> o;
  o.x = x;
  o.norm = {gamma, beta, running_mean, running_variance};
  if (given.excites()) o.weights = {w1, bias ? b1.data() : nullptr, w2, bias ? b2.data() : nullptr};
  o.y = y_;
  if (kind.training) o.mean = mean;
  if (kind.training) o.variance = variance;
  if (given.excites() && saves) {
    o.squeeze = squeeze_;
    o.hidden = hidden;
    o.gate = gate;
    o.slopes = slopes;
    o.slopes_x = slopes_x;
  }
  const SummedAlong along(size, given.x.exact, given.norm.mean.exact);
  if (summed) o.sums = along.sums();
  norm_activation_forward(kind, o, workspace, stream());

  const double rows = root(size.images * size.positions) + 4;
  // Errors of mean and gate reach y multiplied by at most gamma / sqrt(eps), the activation's slope and the weights'
  // sizes.
  const double growth = given.excites() ? 4 * root(channels * kind.squeezed + 16) : 4;
  expect_close("y", y_, y, {4 * rows, 10 * growth});
  // Squares of deviations from a shift are up to 25 where those from the mean are up to 1.
  const double squares = summed ? 25 : 1;
  if (kind.training) {
    expect_close("mean", mean, given.used.mean, {rows, 4});
    expect_close("variance", variance, given.used.variance, {4 * rows, squares});
  }
  if (o.squeeze == nullptr) return;
  const auto positions = static_cast<double>(size.positions);
  // The variance's error reaches z times gamma*|x - mean| / (2*(variance + eps)^1.5), at most 50 as |x - mean| is some deviations.
  expect_close("squeeze", squeeze_, squeeze, {4 * rows, 10 * squares});
  expect_close("hidden", hidden, excitation.hidden, {4 * rows, 10 * growth});
  expect_close("gate", gate, excitation.s, {4 * rows, 10 * growth});
  expect_close("slopes", slopes, given.slope_sums(false), {4 * rows, 10 * squares * positions});
  expect_close("slopes_x", slopes_x, given.slope_sums(true), {4 * rows, 20 * squares * positions});
}

std::vector<float> floats(const Doubles& values) {
  return {values.begin(), values.end()};
}

template <typename T>
void backward_case(const NormActivationKind& kind, bool bias, bool extra, int64_t misaligned) {
  const MapSize& size = kind.size;
  const int64_t elements = size.elements(), channels = size.channels;
  Random random(elements * 3 + channels);
  const ActivationCase<T> given(kind, bias, random);
  given.describe(extra ? "gradient, two parts" : "gradient");
  const auto dy = random_values<T>(elements, random), more = random_values<T>(elements, random);
  const auto hidden = random_values<float>(size.images * kind.squeezed, random);
  const auto gate = random_values<float>(given.gates(), random, 0.1, 0.9);
  Doubles g = dy.exact;
  if (extra) {
    for (int64_t i = 0; i < elements; ++i) g[i] += more.exact[i];
  }
  Doubles dz = g;
  ExcitationReference excitation;
  if (given.excites()) {
    Doubles ds(given.gates(), 0);
    for (int64_t i = 0; i < elements; ++i) ds[gate_index(size, i)] += g[i] * given.t[i];
    excitation.backward(given.excitation(), kind.gates, ds, pooled(size, given.t), hidden.exact, gate.exact,
                        given.w1.exact, given.w2.exact);
    for (int64_t i = 0; i < elements; ++i) {
      const int64_t at = gate_index(size, i);
      dz[i] = gate.exact[at] * g[i] + excitation.dq[at] / static_cast<double>(size.positions);
    }
  }
  for (int64_t i = 0; i < elements; ++i) dz[i] *= given.slopes[i];
  const NormGradient want =
      norm_gradient(size, dz, given.x.exact, given.norm, given.used, kind.eps, kind.training);

  const DeviceArray<T> x(given.x.stored), dy_(dy.stored, misaligned), more_(more.stored), dx(elements);
  const DeviceArray<float> gamma(given.norm.gamma.stored), beta(given.norm.beta.stored),
      mean(floats(given.used.mean)), variance(floats(given.used.variance)), w1(given.w1.stored),
      w2(given.w2.stored), squeeze(floats(pooled(size, given.t))), hidden_(hidden.stored), gate_(gate.stored),
      slopes(floats(given.slope_sums(false))), slopes_x(floats(given.slope_sums(true))), dgamma(channels),
      dbeta(channels), dw1(kind.squeezed * channels), db1(kind.squeezed), dw2(kind.squeezed * channels),
      db2(channels), workspace(floats_for(norm_activation_backward_workspace_bytes(kind)));
  NormActivationBackward<T> o;
  o.dy = dy_;
  o.dy_extra = extra ? more_.data() : nullptr;
  o.x = x;
  o.norm = {gamma, beta, mean, variance};
  if (given.excites()) {
    o.w1 = w1;
    o.w2 = w2;
    o.squeeze = squeeze;
    o.hidden = hidden_;
    o.gate = gate_;
    o.slopes = slopes;
    o.slopes_x = slopes_x;
    o.weights = {dw1, bias ? db1.data() : nullptr, dw2, bias ? db2.data() : nullptr, nullptr};
  }
  o.dx = dx;
  o.dgamma = dgamma;
  o.dbeta = dbeta;
  norm_activation_backward(kind, o, workspace, stream());

  // Sums over all positions have terms up to 20 (1/sigma included); excitation multiplies by the weights' sizes.
  const double rows = root(size.images * size.positions);
  const double growth = given.excites() ? root(channels * kind.squeezed + 16) * rows : 4;
  const Tolerance sums = {8 * rows + 32, 20 * rows * growth};
  expect_close("dx", dx, want.dx, {8 * rows + 32, 100 * growth});
  expect_close("dgamma", dgamma, want.dgamma, sums);
  expect_close("dbeta", dbeta, want.dbeta, sums);
  if (!given.excites()) return;
  expect_close("dw1", dw1, excitation.dw1, sums);
  expect_close("dw2", dw2, excitation.dw2, sums);
  if (bias) expect_close("db1", db1, excitation.db1, sums);
  if (bias) expect_close("db2", db2, excitation.db2, sums);
}

// body(kind, bias, index) with all activations, with batch and running statistics, with excitation and without. As in
// norm_tail_test.cc, floats try every combination and the others every third, under the sanitizers less.
template <typename T, typename Body>
void for_each_kind(size_t size_index, const Body& body) {
  size_t index = 0;
  for (Activation activation : kActivations) {
    for (int flags = 0; flags < 4; ++flags, ++index) {
      if (!std::is_same_v<T, float> && (index + size_index) % 3 != 0) continue;
      if ((index + size_index) % kKindsApart != 0) continue;
      NormActivationKind kind;
      kind.size = awkward_maps()[size_index];
      kind.activation = activation;
      kind.training = (flags & 1) != 0;
      kind.eps = kEps;
      kind.squeezed = (flags & 2) != 0 ? (kind.size.channels + 3) / 4 : 0;
      kind.gates.gate = static_cast<Activation>((index + size_index) % 4);
      if (index % 5 == 1) kind.gates.hidden = Activation::kSilu;
      body(kind, (index / 4 + size_index) % 2 == 0, index);
    }
  }
}

}  // namespace

KERNEL_TEST(norm_activation_forward) {
  for_each_storage([](auto tag) {
    using T = decltype(tag);
    for (size_t i = 0; i < awkward_maps().size(); ++i) {
      for_each_kind<T>(i, [i](const NormActivationKind& kind, bool bias, size_t index) {
        forward_case<T>(kind, bias, (index + i) % 5 == 4 ? 1 : 0, false);
        if (kind.training) forward_case<T>(kind, bias, 0, true);
      });
    }
  });
}

KERNEL_TEST(norm_activation_backward) {
  for_each_storage([](auto tag) {
    using T = decltype(tag);
    for (size_t i = 0; i < awkward_maps().size(); ++i) {
      for_each_kind<T>(i, [i](const NormActivationKind& kind, bool bias, size_t index) {
        backward_case<T>(kind, bias, (index + i) % 4 == 1, (index + i) % 5 == 4 ? 1 : 0);
      });
    }
  });
}

}  // namespace senet::cuda::test
