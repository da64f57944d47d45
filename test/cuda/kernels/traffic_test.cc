// How many bytes norm_tail's passes move, which is what it exists for: forward one read for the statistics,
// then a read of x and of the identity and a write of y; backward twice a read of dy and x, then the writes
// of dx and of the identity's gradient; the ReLU's mask at a bit per element. With squeeze-and-excitation
// nothing but vectors is added. Counted by the simulated device in its build mode "traffic"; elsewhere there
// is nothing to check.
#include "backends/cuda_sim/control.h"
#include "kernel_test.h"

namespace senet::cuda::test {
namespace {

constexpr MapSize kSize = {4, 784, 64};
constexpr int64_t kSqueezed = 4;

void expect_passes(const std::string& kernel, double reads, double writes, double map_bytes) {
  const SimTraffic traffic = sim_traffic(kernel.c_str());
  // 10 %: parameters, gates and partial sums, which are many as this map is small.
  const double spare = 0.1 * map_bytes;
  const auto within = [&](uint64_t bytes, double maps) {
    return static_cast<double>(bytes) >= maps * map_bytes &&
           static_cast<double>(bytes) <= maps * map_bytes + spare;
  };
  if (within(traffic.unique_read, reads) && within(traffic.unique_written, writes)) return;
  std::ostringstream text;
  text << kernel << ": expected " << reads << " maps read and " << writes << " written, received "
       << static_cast<double>(traffic.unique_read) / map_bytes << " and "
       << static_cast<double>(traffic.unique_written) / map_bytes;
  fail(text.str());
}

// Runs both directions of a tail with identity and ReLU, in training.
template <typename T>
void run_tail(int64_t squeezed) {
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
  const DeviceArray<float> gamma(random_values<float>(channels, random).stored), mean(channels),
      variance(channels), w1(random_values<float>(kSqueezed * channels, random).stored),
      w2(random_values<float>(kSqueezed * channels, random).stored), sample_mean(gates), hidden(gates),
      gate(gates), dgamma(channels), dbeta(channels), dw1(kSqueezed * channels), dw2(kSqueezed * channels),
      forward_workspace(floats_for(norm_tail_forward_workspace_bytes(kind))),
      backward_workspace(floats_for(norm_tail_backward_workspace_bytes(kind)));
  const DeviceArray<uint8_t> mask(elements / 8);
  TailForward<T> forward;
  forward.x = x;
  forward.norm = {gamma, gamma, nullptr, nullptr};
  forward.identity = identity;
  forward.y = y;
  forward.mean = mean;
  forward.variance = variance;
  forward.mask = mask;
  TailBackward<T> backward;
  backward.dy = y;
  backward.x = x;
  backward.norm = {gamma, gamma, mean, variance};
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
  sim_reset_traffic();
  norm_tail_forward(kind, forward, forward_workspace, stream());
  norm_tail_backward(kind, backward, backward_workspace, stream());
  synchronise();
}

}  // namespace

KERNEL_TEST(norm_tail_traffic) {
  for_each_storage([](auto tag) {
    using T = decltype(tag);
    const double map = static_cast<double>(kSize.elements()) * sizeof(T), bits = 0.125 / sizeof(T);
    double plain = 0;
    for (int64_t squeezed : {int64_t{0}, kSqueezed}) {
      in_case(storage_name<T>(), "R", squeezed);
      run_tail<T>(squeezed);
      const SimTraffic total = sim_traffic_total();
      if (total.bytes_read == 0) return;
      expect_passes("norm_tail_statistics_kernel", 1, 0, map);
      expect_passes("norm_tail_forward_kernel", 2, 1 + bits, map);
      expect_passes("norm_tail_sums_kernel", 2 + bits, 0, map);
      expect_passes("norm_tail_backward_kernel", 2 + bits, 2, map);
      const auto moved = static_cast<double>(total.unique_read + total.unique_written);
      if (squeezed == 0) plain = moved;
      // Each vector and weight is moved a few times.
      const double vectors = sizeof(float) * static_cast<double>(kSize.images * kSize.channels * 60 +
                                                                 kSize.channels * kSqueezed * 10);
      if (squeezed > 0 && moved > plain + vectors)
        fail("excitation moves " + std::to_string(moved - plain) + " bytes");
    }
  });
}

}  // namespace senet::cuda::test
