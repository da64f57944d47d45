// The one way to use all cores: OpenMP, the runtime oneDNN uses as well, so that both share one set of
// threads.
#pragma once

#include <omp.h>

#include <algorithm>
#include <cstdint>

namespace senet::cpu {

// Calls body(begin, end) on contiguous, equal shares of [0, count), one per thread. The shares depend on
// count and the number of threads alone, so a fixed number of threads gives the same bits each time. body
// must not throw.
template <typename Body>
void parallel_for(int64_t count, const Body& body) {
  const int64_t threads = std::min<int64_t>(count, omp_get_max_threads());
  if (threads <= 1) {
    if (count > 0) body(int64_t{0}, count);
    return;
  }
#pragma omp parallel num_threads(static_cast <int>(threads))
  {
    const int64_t rank = omp_get_thread_num();
    const int64_t team = omp_get_num_threads();
    const int64_t begin = count * rank / team;
    const int64_t end = count * (rank + 1) / team;
    if (begin < end) body(begin, end);
  }
}

}  // namespace senet::cpu
