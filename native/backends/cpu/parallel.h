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

// Threads that take part in a pass over one part of the work after the other: each calls share() for each part, and
// wait() where the next part reads what others have written.
class Team {
 public:
  Team(int64_t rank, int64_t size) : rank_(rank), size_(size) {}

  // Calls body(begin, end) on this thread's share of [0, count).
  template <typename Body>
  void share(int64_t count, const Body& body) const {
    const int64_t begin = count * rank_ / size_, end = count * (rank_ + 1) / size_;
    if (begin < end) body(begin, end);
  }

  void wait() const {
    if (size_ > 1) {
#pragma omp barrier
    }
  }

 private:
  int64_t rank_, size_;
};

// Calls body(team) in every thread. body must not throw, and must wait() as often in each.
template <typename Body>
void in_team(const Body& body) {
  if (omp_get_max_threads() <= 1) return body(Team(0, 1));
#pragma omp parallel
  body(Team(omp_get_thread_num(), omp_get_num_threads()));
}

}  // namespace senet::cpu
