// norm_tail and its gradient against the chain of plain ops that defines it, so that the algebra of the fused
// passes is checked against something that does not share it.
#include "norm_tail_reference.h"

namespace senet::cuda::test {
namespace {

// Rounding errors of the statistics grow with 1/sigma: maps of few values may have next to none. eps bounds
// that.
constexpr double kEps = 0.01;

// summed: the statistics come from sums, not from a pass.
template <typename T>
void forward_case(const TailKind& kind, bool bias, int64_t misaligned, bool summed) {
  const MapSize& size = kind.size;
  const int64_t elements = size.elements();
  Random random(elements + size.channels);
  const TailCase tail(kind, bias, random);
  tail.describe(storage_name<T>() + (summed ? " summed" : ""));
  // A mean far from zero shows cancellation.
  const auto x = random_values<T>(elements, random, 2, 4), identity = random_values<T>(elements, random);
  const Statistics running = {tail.norm.mean.exact, tail.norm.variance.exact};
  const Statistics running2 = {tail.norm2.mean.exact, tail.norm2.variance.exact};
  const Statistics used = kind.training ? batch_statistics(size, x.exact) : running;
  const Statistics used2 = kind.training ? batch_statistics(size, identity.exact) : running2;
  Doubles y = normalise(size, x.exact, tail.norm, used, kind.eps);
  ExcitationReference excitation;
  if (tail.excites()) {
    excitation.forward(tail.excitation(), kind.gates, pooled(size, y), tail.w1.exact, tail.b1.exact,
                       tail.w2.exact, tail.b2.exact);
    for (int64_t i = 0; i < elements; ++i) y[i] *= excitation.s[gate_index(size, i)];
  }
  if (kind.shortcut != Shortcut::kNone) {
    const Doubles i2 =
        tail.projected() ? normalise(size, identity.exact, tail.norm2, used2, kind.eps2) : identity.exact;
    for (int64_t i = 0; i < elements; ++i) y[i] += i2[i];
  }
  const Doubles before = y;
  for (double& value : y) value = kind.relu && value < 0 ? 0 : value;

  const DeviceArray<T> x_(x.stored, misaligned), identity_(identity.stored), y_(elements);
  const int64_t channels = size.channels;
  const DeviceArray<float> mean(channels), variance(channels), mean2(channels), variance2(channels),
      sample_mean(tail.gates()), hidden(size.images * kind.squeezed), gate(tail.gates()),
      workspace(floats_for(norm_tail_forward_workspace_bytes(kind)));
  const bool masks = kind.relu && kind.shortcut != Shortcut::kNone;
  const DeviceArray<uint8_t> mask((elements + 7) / 8);
  TailForward<T> o;
  o.x = x_;
  o.norm = tail.parameters();
  o.identity = kind.shortcut == Shortcut::kNone ? nullptr : identity_.data();
  o.norm2 = tail.parameters2();
  o.weights = tail.weights();
  o.y = y_;
  if (kind.training) o.mean = mean;
  if (kind.training) o.variance = variance;
  if (kind.training && tail.projected()) o.mean2 = mean2;
  if (kind.training && tail.projected()) o.variance2 = variance2;
  if (tail.excites()) o.sample_mean = sample_mean;
  if (tail.excites()) o.hidden = hidden;
  if (tail.excites()) o.gate = gate;
  if (masks) o.mask = mask;
  const SummedAlong along(size, x.exact, tail.norm.mean.exact),
      along2(size, identity.exact, tail.norm2.mean.exact);
  if (summed) o.sums = along.sums();
  if (summed && tail.projected()) o.sums2 = along2.sums();
  norm_tail_forward(kind, o, workspace, stream());

  const double rows = root(size.images * size.positions) + 4;
  // Errors of mean and gate reach y multiplied by at most gamma / sqrt(eps) and the weights' sizes.
  const double growth = tail.excites() ? 4 * root(channels * kind.squeezed + 16) : 4;
  expect_close("y", y_, y, {4 * rows, 10 * growth});
  if (kind.training) {
    expect_close("mean", mean, used.mean, {rows, 4});
    // Squares of deviations from a shift are up to 25 where those from the mean are up to 1.
    expect_close("variance", variance, used.variance, {4 * rows, summed ? 25.0 : 1.0});
  }
  if (kind.training && tail.projected()) {
    expect_close("mean2", mean2, used2.mean, {rows, 1});
    expect_close("variance2", variance2, used2.variance, {4 * rows, 1});
  }
  if (tail.excites()) {
    expect_close("sample_mean", sample_mean, pooled(size, x.exact), {rows, 4});
    expect_close("hidden", hidden, excitation.hidden, {4 * rows, 10 * growth});
    expect_close("gate", gate, excitation.s, {4 * rows, 10 * growth});
  }
  if (!masks) return;
  const std::vector<uint8_t> bits = mask.download();
  for (int64_t i = 0; i < elements; ++i) {
    if (std::abs(before[i]) < 1e-3) continue;  // rounding decides
    if ((bits[i / 8] >> (i % 8) & 1) != (before[i] > 0 ? 1 : 0)) return fail("mask bit " + std::to_string(i));
  }
  for (int64_t i = elements; i < (elements + 7) / 8 * 8; ++i) {
    if ((bits[i / 8] >> (i % 8) & 1) != 0) return fail("mask bits after the last element");
  }
}

// What the gradient of a tail is given, apart from its parameters.
template <typename T>
struct GradientInputs {
  Values<T> x, identity, dy, extra;
  Values<float> sample_mean, hidden, gate;
  std::vector<uint8_t> mask;
  Statistics used, used2;
  std::vector<char> passes;

  GradientInputs(const TailCase& tail, Random& random)
      : x(random_values<T>(tail.kind.size.elements(), random, 2, 4)),
        identity(random_values<T>(tail.kind.size.elements(), random)),
        dy(random_values<T>(tail.kind.size.elements(), random)),
        extra(random_values<T>(tail.kind.size.elements(), random)),
        hidden(random_values<float>(tail.kind.size.images * tail.kind.squeezed, random)),
        gate(random_values<float>(tail.gates(), random, 0.1, 0.9)),
        passes(tail.kind.size.elements(), 1) {
    const MapSize& size = tail.kind.size;
    used = {tail.norm.mean.exact, tail.norm.variance.exact};
    used2 = {tail.norm2.mean.exact, tail.norm2.variance.exact};
    if (tail.kind.training) {
      // The kernels read them as floats, and so does the reference.
      used = rounded(batch_statistics(size, x.exact));
      used2 = rounded(batch_statistics(size, identity.exact));
    }
    for (double mean : pooled(size, x.exact)) sample_mean.stored.push_back(static_cast<float>(mean));
    mask.assign((size.elements() + 7) / 8, 0);
    const Doubles z = normalise(size, x.exact, tail.norm, used, tail.kind.eps);
    for (int64_t i = 0; i < size.elements(); ++i) {
      const bool bit = random.below(2) == 1;
      if (bit) mask[i / 8] |= static_cast<uint8_t>(1u << (i % 8));
      if (!tail.kind.relu) continue;
      passes[i] = tail.kind.shortcut == Shortcut::kNone ? z[i] > 0 : bit;
      if (std::abs(z[i]) < 1e-4 && tail.kind.shortcut == Shortcut::kNone) clear(i);  // rounding decides
    }
  }

 private:
  static Statistics rounded(Statistics s) {
    for (double& value : s.mean) value = static_cast<float>(value);
    for (double& value : s.variance) value = static_cast<float>(value);
    return s;
  }
  void clear(int64_t i) {
    for (Values<T>* values : {&dy, &extra}) {
      values->stored[i] = from_double<T>(0);
      values->exact[i] = 0;
    }
  }
};

struct TailGradient {
  Doubles g;
  NormGradient norm, shortcut;
  ExcitationReference excitation;
};

template <typename T>
TailGradient reference_gradient(const TailCase& tail, const GradientInputs<T>& in, bool extra) {
  const TailKind& kind = tail.kind;
  const MapSize& size = kind.size;
  TailGradient out;
  for (int64_t i = 0; i < size.elements(); ++i) {
    out.g.push_back(in.passes[i] ? in.dy.exact[i] + (extra ? in.extra.exact[i] : 0) : 0);
  }
  Doubles dz = out.g;
  if (tail.excites()) {
    const Doubles z = normalise(size, in.x.exact, tail.norm, in.used, kind.eps);
    Doubles ds(tail.gates(), 0);
    for (int64_t i = 0; i < size.elements(); ++i) ds[gate_index(size, i)] += out.g[i] * z[i];
    out.excitation.backward(tail.excitation(), kind.gates, ds, pooled(size, z), in.hidden.exact,
                            in.gate.exact, tail.w1.exact, tail.w2.exact);
    for (int64_t i = 0; i < size.elements(); ++i) {
      const int64_t at = gate_index(size, i);
      dz[i] = in.gate.exact[at] * out.g[i] + out.excitation.dq[at] / static_cast<double>(size.positions);
    }
  }
  out.norm = norm_gradient(size, dz, in.x.exact, tail.norm, in.used, kind.eps, kind.training);
  if (tail.projected()) {
    out.shortcut =
        norm_gradient(size, out.g, in.identity.exact, tail.norm2, in.used2, kind.eps2, kind.training);
  }
  return out;
}

std::vector<float> floats(const Doubles& values) {
  return {values.begin(), values.end()};
}

template <typename T>
void backward_case(const TailKind& kind, bool bias, bool extra, int64_t misaligned) {
  const MapSize& size = kind.size;
  const int64_t elements = size.elements(), channels = size.channels;
  Random random(elements * 3 + channels);
  const TailCase tail(kind, bias, random);
  tail.describe(storage_name<T>() + (extra ? " gradient, two parts" : " gradient"));
  const GradientInputs<T> in(tail, random);
  const TailGradient want = reference_gradient(tail, in, extra);

  const DeviceArray<T> x(in.x.stored), identity(in.identity.stored), dy(in.dy.stored, misaligned),
      more(in.extra.stored), dx(elements), didentity(elements);
  const DeviceArray<float> mean(floats(in.used.mean)), variance(floats(in.used.variance)),
      mean2(floats(in.used2.mean)), variance2(floats(in.used2.variance)), sample_mean(in.sample_mean.stored),
      hidden(in.hidden.stored), gate(in.gate.stored);
  const DeviceArray<uint8_t> mask(in.mask);
  const DeviceArray<float> dgamma(channels), dbeta(channels), dgamma2(channels), dbeta2(channels),
      dw1(kind.squeezed * channels), db1(kind.squeezed), dw2(kind.squeezed * channels), db2(channels),
      workspace(floats_for(norm_tail_backward_workspace_bytes(kind)));
  TailBackward<T> o;
  o.dy = dy;
  o.dy_extra = extra ? more.data() : nullptr;
  o.x = x;
  o.norm = {tail.gamma, tail.beta, mean, variance};
  if (tail.projected()) o.identity = identity;
  if (tail.projected()) o.norm2 = {tail.gamma2, nullptr, mean2, variance2};
  if (tail.excites()) {
    o.w1 = tail.w1_;
    o.w2 = tail.w2_;
    o.sample_mean = sample_mean;
    o.hidden = hidden;
    o.gate = gate;
    o.weights = {dw1, bias ? db1.data() : nullptr, dw2, bias ? db2.data() : nullptr, nullptr};
  }
  if (kind.relu && kind.shortcut != Shortcut::kNone) o.mask = mask;
  o.dx = dx;
  o.dgamma = dgamma;
  o.dbeta = dbeta;
  if (tail.projected()) o.dgamma2 = dgamma2;
  if (tail.projected()) o.dbeta2 = dbeta2;
  if (kind.shortcut != Shortcut::kNone) o.didentity = didentity;
  norm_tail_backward(kind, o, workspace, stream());

  // Sums over all positions have terms up to 20 (1/sigma included); excitation multiplies by the weights'
  // sizes.
  const double rows = root(size.images * size.positions);
  const double growth = tail.excites() ? root(channels * kind.squeezed + 16) * rows : 4;
  const Tolerance sums = {8 * rows + 32, 20 * rows * growth};
  expect_close("dx", dx, want.norm.dx, {8 * rows + 32, 100 * growth});
  expect_close("dgamma", dgamma, want.norm.dgamma, sums);
  expect_close("dbeta", dbeta, want.norm.dbeta, sums);
  if (tail.projected()) {
    expect_close("didentity", didentity, want.shortcut.dx, {8 * rows + 32, 100});
    expect_close("dgamma2", dgamma2, want.shortcut.dgamma, sums);
    expect_close("dbeta2", dbeta2, want.shortcut.dbeta, sums);
  } else if (kind.shortcut == Shortcut::kPlain) {
    expect_close("didentity", didentity, want.g, {2, 1});
  }
  if (!tail.excites()) return;
  expect_close("dw1", dw1, want.excitation.dw1, sums);
  expect_close("dw2", dw2, want.excitation.dw2, sums);
  if (bias) expect_close("db1", db1, want.excitation.db1, sums);
  if (bias) expect_close("db2", db2, want.excitation.db2, sums);
}

// body(kind, bias, index) with all shortcuts, with and without ReLU, statistics and excitation. Kernels of all storages
// come from one template, so floats try every combination and the others every third, another for each size; under the
// sanitizers less, see kKindsApart.
template <typename T, typename Body>
void for_each_kind(size_t size_index, const Body& body) {
  size_t index = 0;
  for (Shortcut shortcut : {Shortcut::kNone, Shortcut::kPlain, Shortcut::kProjected}) {
    for (int flags = 0; flags < 8; ++flags, ++index) {
      if (!std::is_same_v<T, float> && (index + size_index) % 3 != 0) continue;
      if ((index + size_index) % kKindsApart != 0) continue;
      TailKind kind;
      kind.size = awkward_maps()[size_index];
      kind.shortcut = shortcut;
      kind.relu = (flags & 1) != 0;
      kind.training = (flags & 2) != 0;
      kind.eps = kEps;
      kind.eps2 = 2 * kEps;
      kind.squeezed = (flags & 4) != 0 ? (kind.size.channels + 3) / 4 : 0;
      kind.gates.gate = static_cast<Activation>((index + size_index) % 4);
      if (index % 2 == 1) kind.gates.hidden = Activation::kSilu;
      body(kind, (index + size_index) % 2 == 0, index);
    }
  }
}

}  // namespace

KERNEL_TEST(norm_tail_forward) {
  for_each_storage([](auto tag) {
    using T = decltype(tag);
    for (size_t i = 0; i < awkward_maps().size(); ++i) {
      for_each_kind<T>(i, [i](const TailKind& kind, bool bias, size_t index) {
        forward_case<T>(kind, bias, (index + i) % 5 == 4 ? 1 : 0, false);
        if (kind.training) forward_case<T>(kind, bias, 0, true);
      });
    }
  });
}

KERNEL_TEST(norm_tail_backward) {
  for_each_storage([](auto tag) {
    using T = decltype(tag);
    for (size_t i = 0; i < awkward_maps().size(); ++i) {
      for_each_kind<T>(i, [i](const TailKind& kind, bool bias, size_t index) {
        backward_case<T>(kind, bias, (index + i) % 4 == 1, (index + i) % 5 == 4 ? 1 : 0);
      });
    }
  });
}

}  // namespace senet::cuda::test
