// How many bytes the passes of norm_tail and norm_activation move, which is what they exist for. norm_tail: forward one
// read for the statistics, then a read of x and of the identity and a write of y; backward twice a read of dy and x,
// then the writes of dx and of the identity's gradient; the ReLU's mask at a bit per element. With
// squeeze-and-excitation nothing but vectors is added. norm_activation: the same without identity and mask;
// squeeze-and-excitation adds one read of x forward. Counted by the simulated device in its build mode "traffic"; elsewhere there
// is nothing to check.
#include "backends/cuda/device/map_sweep.cuh"
#include "backends/cuda/device/vector.cuh"
#include "backends/cuda/kernels/norm_activation.cuh"
#include "backends/cuda_sim/control.h"
#include "kernel_test.h"

#include <utility>

namespace senet::cuda::test {
namespace {

// So large that all vectors and partial sums together are less than kSpare of the passes; of positions that are cut
// into as many segments with excitation as without.
constexpr MapSize kSize = {2, 3200, 64};
constexpr int64_t kSqueezed = 4;
constexpr double kSpare = 0.02;

// Bytes of one map, and what a mask and a pass's partial sums are in maps.
template <typename T>
struct Sizes {
  double map = static_cast<double>(kSize.elements()) * sizeof(T);
  double mask = static_cast<double>(kSize.elements()) / 8 / map;
  double partials =
      2 * sizeof(float) *
      static_cast<double>(
          make_sweep(kSize.images, kSize.positions, kSize.channels, kVectorWidth<T>).partials()) /
      map;
};

void expect_maps(const std::string& what, uint64_t bytes, double maps, double map_bytes) {
  const double moved = static_cast<double>(bytes) / map_bytes;
  if (moved >= maps && moved <= maps * (1 + kSpare)) return;
  std::ostringstream text;
  text << what << ": expected " << maps << " maps, received " << moved;
  fail(text.str());
}

// Sectors of memory that a kernel touches, each once.
void expect_kernel(const std::string& kernel, double reads, double writes, double map_bytes) {
  const SimTraffic traffic = sim_traffic(kernel.c_str());
  if (traffic.launches != 1) fail(kernel + ": launched " + std::to_string(traffic.launches) + " times");
  expect_maps(kernel + " reads", traffic.unique_read, reads, map_bytes);
  expect_maps(kernel + " writes", traffic.unique_written, writes, map_bytes);
  expect_maps(kernel + " stores", traffic.bytes_written, writes, map_bytes);
}

// Whether this build counts what kernels move.
bool counts_bytes() {
  const DeviceArray<float> one(1);
  sim_reset_traffic();
  fill(one.data(), 1.0f, 1, stream());
  synchronise();
  return sim_traffic_total().bytes_written > 0;
}

uint64_t moved_by_all() {
  const SimTraffic total = sim_traffic_total();
  return total.unique_read + total.unique_written;
}

// Runs both directions of a tail with identity and ReLU, in training; checks each pass and gives back all bytes moved.
template <typename T>
uint64_t run_tail(int64_t squeezed) {
  TailKind kind;
  kind.size = kSize;
  kind.shortcut = Shortcut::kPlain;
  kind.relu = true;
  kind.training = true;
  kind.eps = 1e-5;
  kind.squeezed = squeezed;
  const int64_t elements = kSize.elements(), channels = kSize.channels, gates = kSize.images * channels;
  Random random(1);
  const DeviceArray<T> x(random_values<T>(elements, random).stored),
      identity(random_values<T>(elements, random).stored), y(elements), dx(elements), didentity(elements);
  const DeviceArray<float> gamma(random_values<float>(channels, random).stored),
      beta(random_values<float>(channels, random).stored), mean(channels), variance(channels),
      w1(random_values<float>(kSqueezed * channels, random).stored),
      w2(random_values<float>(kSqueezed * channels, random).stored), sample_mean(gates), hidden(gates),
      gate(gates), dgamma(channels), dbeta(channels), dw1(kSqueezed * channels), dw2(kSqueezed * channels),
      forward_workspace(floats_for(norm_tail_forward_workspace_bytes(kind))),
      backward_workspace(floats_for(norm_tail_backward_workspace_bytes(kind)));
  const DeviceArray<uint8_t> mask(elements / 8);
  TailForward<T> forward;
  forward.x = x;
  forward.norm = {gamma, beta, nullptr, nullptr};
  forward.identity = identity;
  forward.y = y;
  forward.mean = mean;
  forward.variance = variance;
  forward.mask = mask;
  TailBackward<T> backward;
  backward.dy = y;
  backward.x = x;
  backward.norm = {gamma, beta, mean, variance};
  backward.mask = mask;
  backward.dx = dx;
  backward.dgamma = dgamma;
  backward.dbeta = dbeta;
  backward.didentity = didentity;
  if (squeezed > 0) {
    forward.weights = {w1, nullptr, w2, nullptr};
    forward.sample_mean = sample_mean;
    backward.sample_mean = sample_mean;
    forward.hidden = hidden;
    backward.hidden = hidden;
    forward.gate = gate;
    backward.gate = gate;
    backward.w1 = w1;
    backward.w2 = w2;
    backward.weights = {dw1, nullptr, dw2, nullptr, nullptr};
  }
  const Sizes<T> sizes;
  sim_reset_traffic();
  norm_tail_forward(kind, forward, forward_workspace, stream());
  synchronise();
  const uint64_t moved_forward = moved_by_all();
  expect_kernel("norm_tail_statistics_kernel", 1, sizes.partials, sizes.map);
  expect_kernel("norm_tail_forward_kernel", 2, 1 + sizes.mask, sizes.map);
  expect_maps("forward", moved_forward, 4 + sizes.mask, sizes.map);

  sim_reset_traffic();
  norm_tail_backward(kind, backward, backward_workspace, stream());
  synchronise();
  expect_kernel("norm_tail_sums_kernel", 2 + sizes.mask, sizes.partials, sizes.map);
  expect_kernel("norm_tail_backward_kernel", 2 + sizes.mask, 2, sizes.map);
  expect_maps("backward", moved_by_all(), 6 + 2 * sizes.mask, sizes.map);
  return moved_forward + moved_by_all();
}

// Runs both directions of a norm with an activation, in training, and checks each pass.
template <typename T>
void run_activation(int64_t squeezed) {
  NormActivationKind kind;
  kind.size = kSize;
  kind.activation = Activation::kSilu;
  kind.training = true;
  kind.eps = 1e-5;
  kind.squeezed = squeezed;
  const int64_t elements = kSize.elements(), channels = kSize.channels, gates = kSize.images * channels;
  Random random(1);
  const DeviceArray<T> x(random_values<T>(elements, random).stored), y(elements), dx(elements);
  const DeviceArray<float> gamma(random_values<float>(channels, random).stored),
      beta(random_values<float>(channels, random).stored), mean(channels), variance(channels),
      w1(random_values<float>(kSqueezed * channels, random).stored),
      w2(random_values<float>(kSqueezed * channels, random).stored), squeeze(gates), hidden(gates),
      gate(gates), slopes(gates), slopes_x(gates), dgamma(channels), dbeta(channels),
      dw1(kSqueezed * channels), dw2(kSqueezed * channels),
      forward_workspace(floats_for(norm_activation_forward_workspace_bytes(kind))),
      backward_workspace(floats_for(norm_activation_backward_workspace_bytes(kind)));
  NormActivationForward<T> forward;
  forward.x = x;
  forward.norm = {gamma, beta, nullptr, nullptr};
  forward.y = y;
  forward.mean = mean;
  forward.variance = variance;
  NormActivationBackward<T> backward;
  backward.dy = y;
  backward.x = x;
  backward.norm = {gamma, beta, mean, variance};
  backward.dx = dx;
  backward.dgamma = dgamma;
  backward.dbeta = dbeta;
  if (squeezed > 0) {
    forward.weights = {w1, nullptr, w2, nullptr};
    forward.squeeze = squeeze;
    forward.hidden = hidden;
    forward.gate = gate;
    forward.slopes = slopes;
    forward.slopes_x = slopes_x;
    backward.squeeze = squeeze;
    backward.hidden = hidden;
    backward.gate = gate;
    backward.slopes = slopes;
    backward.slopes_x = slopes_x;
    backward.w1 = w1;
    backward.w2 = w2;
    backward.weights = {dw1, nullptr, dw2, nullptr, nullptr};
  }
  const Sizes<T> sizes;
  sim_reset_traffic();
  norm_activation_forward(kind, forward, forward_workspace, stream());
  synchronise();
  expect_kernel("norm_tail_statistics_kernel", 1, sizes.partials, sizes.map);
  if (squeezed > 0) expect_kernel("norm_activation_squeeze_kernel", 1, 1.5 * sizes.partials, sizes.map);
  expect_kernel("norm_activation_forward_kernel", 1, 1, sizes.map);
  // Partial sums are written and read; they are a larger share than with the maps of norm_tail's identity.
  const double sums = squeezed > 0 ? 1.5 * sizes.partials : sizes.partials;
  const double forward_sums = sizes.partials + (squeezed > 0 ? sums : 0);
  expect_maps("forward", moved_by_all(), (squeezed > 0 ? 4 : 3) + 2 * forward_sums, sizes.map);

  sim_reset_traffic();
  norm_activation_backward(kind, backward, backward_workspace, stream());
  synchronise();
  expect_kernel("norm_activation_sums_kernel", 2, sums, sizes.map);
  expect_kernel("norm_activation_backward_kernel", 2, 1, sizes.map);
  expect_maps("backward", moved_by_all(), 5 + 2 * sums, sizes.map);
}

// What excitation adds, in bytes: reads and writes of float vectors and weights.
// [N,C] forward: the means and q are written, q is read, the gate written and read. Backward: the means read, two sums,
// q and ds written; ds and the gate read, du written and read, dq written; du and q read; both sums, gate, dq and the
// means read; gate and dq read.
// [N,R] the hidden layer is written before and after its activation and read after it; backward it is read before it,
// written after it and read again, and its gradient is written and read twice.
// [R,C] both weights are read forward and backward, their gradients written.
// [C] gamma and beta are read where q is computed, both and the statistics where q is computed again, and the mean once
// more.
constexpr uint64_t added_by_excitation() {
  const int64_t gates = kSize.images * kSize.channels, hidden = kSize.images * kSqueezed;
  const int64_t weights = kSqueezed * kSize.channels;
  return sizeof(float) *
         static_cast<uint64_t>((5 + 19) * gates + 9 * hidden + 6 * weights + 7 * kSize.channels);
}

}  // namespace

// Sizes of maps as they are trained on, which are too large to be simulated.
constexpr MapSize kTrained[] = {{256, 3136, 256}, {256, 784, 512}, {256, 196, 1024}, {256, 49, 2048}};

// A pass's partial sums of `sums` kinds are written and read once: less than kSpare of the `maps` that its direction
// moves. Excitation needs a number for each image and channel in any case.
void expect_few_partials(const MapSize& size, int64_t squeezed, int64_t partials, int sums, int maps,
                         int64_t element_bytes) {
  if (squeezed > 0 && partials == size.images * size.channels) return;
  const int64_t bytes = 2 * sums * static_cast<int64_t>(sizeof(float)) * partials;
  const double moved = static_cast<double>(maps * size.elements() * element_bytes);
  if (static_cast<double>(bytes) > kSpare * moved) {
    fail(std::to_string(sums) + " partial sums move " + std::to_string(bytes) + " bytes");
  }
}

KERNEL_TEST(norm_partial_sums) {
  for (const MapSize& size : kTrained) {
    for (int64_t squeezed : {int64_t{0}, size.channels / 16}) {
      for (const auto& [width, bytes] : {std::pair<int, int64_t>{4, 4}, {8, 2}}) {
        in_case("positions", size.positions, "R", squeezed, "width", width);
        const TailKind tail = {.size = size, .squeezed = squeezed};
        expect_few_partials(size, squeezed, tail_sweep(tail, width).partials(), 2, 4, bytes);
        const NormActivationKind norm = {.size = size, .squeezed = squeezed};
        const int64_t partials = activation_sweep(norm, width).partials();
        if (squeezed > 0) expect_few_partials(size, squeezed, partials, 3, 4, bytes);
        expect_few_partials(size, squeezed, partials, squeezed > 0 ? 3 : 2, 5, bytes);
      }
    }
  }
}

KERNEL_TEST(norm_tail_traffic) {
  if (!counts_bytes()) return;
  for_each_storage([](auto tag) {
    using T = decltype(tag);
    in_case(storage_name<T>());
    const uint64_t plain = run_tail<T>(0);
    in_case(storage_name<T>(), "R", kSqueezed);
    const uint64_t excited = run_tail<T>(kSqueezed);
    if (excited > plain + added_by_excitation()) {
      fail("excitation moves " + std::to_string(excited - plain) + " bytes, expected at most " +
           std::to_string(added_by_excitation()));
    }
  });
}

KERNEL_TEST(norm_activation_traffic) {
  if (!counts_bytes()) return;
  for_each_storage([](auto tag) {
    using T = decltype(tag);
    for (int64_t squeezed : {int64_t{0}, kSqueezed}) {
      in_case(storage_name<T>(), "R", squeezed);
      run_activation<T>(squeezed);
    }
  });
}

}  // namespace senet::cuda::test
