#include "backends/cpu/kernels/statistics.h"

#include <cmath>

#include "backends/cpu/kernels/lane_sums.h"

namespace senet::cpu {
namespace {

// Positions in the lanes of group `group` of a slab (a group: one lane of each channel).
int64_t positions_of_group(const Slab& slab, int64_t group) {
  return slab.rows + (group * slab.channels < slab.tail ? 1 : 0);
}

// Adds the rows [begin, end) to mean and squares, which stand for the rows before; end - begin <= begin.
void add_rows(const Slab& slab, const float* x, int64_t begin, int64_t end, Lanes& mean, Lanes& squares) {
  Lanes sums1, sums2;
  clear(slab, sums1);
  clear(slab, sums2);
  sweep_range(slab, begin, end, [&](auto rows, auto access, int64_t element, int64_t lane) {
    const Vec shift = load(mean.at + lane);
    Vec s1 = load(sums1.at + lane), s2 = load(sums2.at + lane);
    for (int r = 0; r < rows; ++r) {
      const Vec d = access.get(x + element + r * slab.stride) - shift;
      s1 += d;
      s2 += d * d;
    }
    store(sums1.at + lane, s1);
    store(sums2.at + lane, s2);
  });
  const Vec inverse = broadcast(1.0f / static_cast<float>(end));
  for (int64_t l = 0; l < slab.lanes; l += kLanes) {
    const Vec s1 = load(sums1.at + l);
    const Vec step = s1 * inverse;
    store(mean.at + l, load(mean.at + l) + step);
    store(squares.at + l, load(squares.at + l) + (load(sums2.at + l) - s1 * step));
  }
}

// The first row is the start: its values are their own means.
void start_rows(const Slab& slab, const float* x, int64_t lanes, Lanes& mean) {
  for_vectors(lanes,
              [&](auto access, int64_t lane) { store(mean.at + lane, access.get(x + slab.offset + lane)); });
}

void add_tail(const Slab& slab, const float* x, Lanes& mean, Lanes& squares) {
  const float* row = x + slab.offset + slab.rows * slab.stride;
  const float inverse = 1.0f / static_cast<float>(slab.rows + 1);
  const float weight = static_cast<float>(slab.rows) * inverse;
  for (int64_t l = 0; l < slab.tail; ++l) {
    const float d = row[l] - mean.at[l];
    mean.at[l] += d * inverse;
    squares.at[l] += d * d * weight;
  }
}

// Merges the lanes of each channel into the first one.
void merge_lanes(const Slab& slab, Lanes& mean, Lanes& squares) {
  int64_t seen = positions_of_group(slab, 0);
  for (int64_t l = slab.channels; l < slab.lanes; l += slab.channels) {
    const int64_t more = positions_of_group(slab, l / slab.channels);
    if (more == 0) break;
    const float share = static_cast<float>(more) / static_cast<float>(seen + more);
    const float weight = share * static_cast<float>(seen);
    for (int64_t c = 0; c < slab.channels; ++c) {
      const float d = mean.at[l + c] - mean.at[c];
      mean.at[c] += d * share;
      squares.at[c] += squares.at[l + c] + d * d * weight;
    }
    seen += more;
  }
}

}  // namespace

void partial_statistics(const SlabPlan& plan, const float* x, float* means, float* squares) {
  for_slabs(plan, [&](const Slab& slab) {
    Lanes mean, square;
    clear(slab, square);
    if (slab.rows > 0) {
      start_rows(slab, x, slab.lanes, mean);
      for (int64_t done = 1; done < slab.rows;) {
        const int64_t end = std::min(slab.rows, done + std::min(done, kRun));
        add_rows(slab, x, done, end, mean, square);
        done = end;
      }
      add_tail(slab, x, mean, square);
    } else {
      start_rows(slab, x, slab.tail, mean);
    }
    merge_lanes(slab, mean, square);
    const size_t bytes = static_cast<size_t>(slab.channels) * sizeof(float);
    std::memcpy(means + plan.partial(slab), mean.at, bytes);
    std::memcpy(squares + plan.partial(slab), square.at, bytes);
  });
}

void partial_means(const SlabPlan& plan, const float* x, float* means) {
  for_slabs(plan, [&](const Slab& slab) {
    LaneSums<1> sums;
    Lanes& run = sums.run[0];
    sums.sweep(slab, [&](auto rows, auto access, int64_t element, int64_t lane) {
      Vec sum = load(run.at + lane);
      for (int r = 0; r < rows; ++r) sum += access.get(x + element + r * slab.stride);
      store(run.at + lane, sum);
    });
    float* out = means + plan.partial(slab);
    sums.gather(slab, 0, out);
    const float inverse = 1.0f / static_cast<float>(plan.positions_in(slab.segment));
    for (int64_t c = 0; c < slab.channels; ++c) out[c] *= inverse;
  });
}

void merge_statistics(const SlabPlan& plan, const float* means, const float* squares, float* mean,
                      float* variance) {
  const int64_t channels = plan.channels();
  const double count = static_cast<double>(plan.images() * plan.positions());
  for_channels(channels, plan.images() * plan.segments(), [&](int64_t first, int64_t last) {
    double sums[kChannelShare] = {}, centres[kChannelShare];
    const auto for_partials = [&](const auto& body) {
      for (int64_t i = 0; i < plan.images() * plan.segments(); ++i) {
        const auto positions = static_cast<double>(plan.positions_in(i % plan.segments()));
        for (int64_t c = first; c < last; ++c) body(i * channels + c, c - first, positions);
      }
    };
    for_partials([&](int64_t i, int64_t c, double positions) { sums[c] += positions * means[i]; });
    for (int64_t c = 0; c < last - first; ++c) {
      centres[c] = sums[c] / count;
      sums[c] = 0;
    }
    for_partials([&](int64_t i, int64_t c, double positions) {
      const double d = means[i] - centres[c];
      sums[c] += squares[i] + positions * d * d;
    });
    for (int64_t c = first; c < last; ++c) {
      mean[c] = static_cast<float>(centres[c - first]);
      variance[c] = static_cast<float>(sums[c - first] / count);
    }
  });
}

void merge_means(const SlabPlan& plan, const float* means, float* image_means) {
  const int64_t channels = plan.channels(), segments = plan.segments();
  const float inverse = 1.0f / static_cast<float>(plan.positions());
  small_stage(plan.images(), segments * channels, [&](int64_t begin, int64_t end) {
    for (int64_t n = begin; n < end; ++n) {
      float* out = image_means + n * channels;
      for (int64_t s = 0; s < segments; ++s) {
        const float* part = means + (n * segments + s) * channels;
        const float weight = segments == 1 ? 1.0f : static_cast<float>(plan.positions_in(s)) * inverse;
        for (int64_t c = 0; c < channels; ++c) out[c] = (s == 0 ? 0.0f : out[c]) + weight * part[c];
      }
    }
  });
}

void merge_sums(const SlabPlan& plan, const float* partials, float* sums) {
  const int64_t channels = plan.channels(), segments = plan.segments();
  if (partials == sums) return;
  for_channels(channels, plan.images() * segments, [&](int64_t first, int64_t last) {
    for (int64_t n = 0; n < plan.images(); ++n) {
      double totals[kChannelShare] = {};
      for (int64_t s = 0; s < segments; ++s) {
        const float* row = partials + (n * segments + s) * channels;
        for (int64_t c = first; c < last; ++c) totals[c - first] += row[c];
      }
      for (int64_t c = first; c < last; ++c) sums[n * channels + c] = static_cast<float>(totals[c - first]);
    }
  });
}

void scale_of(int64_t channels, double eps, const float* gamma, const float* variance, float* scale,
              float* rstd) {
  for (int64_t c = 0; c < channels; ++c) {
    const double r = 1.0 / std::sqrt(variance[c] + eps);
    scale[c] = static_cast<float>(gamma[c] * r);
    if (rstd != nullptr) rstd[c] = static_cast<float>(r);
  }
}

}  // namespace senet::cpu
