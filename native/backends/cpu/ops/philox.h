// Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011): a keyed bijection of
// 128-bit counters to four random words each, so that any element's number is found without the ones before
// it.
#pragma once

#include <cstdint>

namespace senet::cpu {

// Counters whose words are made at once, to fill vector registers.
inline constexpr int kPhiloxCounters = 8;

// words[4 * i + lane] = word `lane` of counter (low 32 bits of counters[i], its high 32 bits, stream, 0).
inline void philox(const uint64_t counters[kPhiloxCounters], uint32_t stream, uint32_t key0, uint32_t key1,
                   uint32_t words[4 * kPhiloxCounters]) {
  uint32_t c0[kPhiloxCounters], c1[kPhiloxCounters], c2[kPhiloxCounters], c3[kPhiloxCounters];
  for (int i = 0; i < kPhiloxCounters; ++i) {
    c0[i] = static_cast<uint32_t>(counters[i]);
    c1[i] = static_cast<uint32_t>(counters[i] >> 32);
    c2[i] = stream;
    c3[i] = 0;
  }
  for (int round = 0; round < 10; ++round) {
    for (int i = 0; i < kPhiloxCounters; ++i) {
      const uint64_t a = uint64_t{0xD2511F53u} * c0[i];
      const uint64_t b = uint64_t{0xCD9E8D57u} * c2[i];
      c0[i] = static_cast<uint32_t>(b >> 32) ^ c1[i] ^ key0;
      c1[i] = static_cast<uint32_t>(b);
      c2[i] = static_cast<uint32_t>(a >> 32) ^ c3[i] ^ key1;
      c3[i] = static_cast<uint32_t>(a);
    }
    key0 += 0x9E3779B9u;
    key1 += 0xBB67AE85u;
  }
  for (int i = 0; i < kPhiloxCounters; ++i) {
    *words++ = c0[i];
    *words++ = c1[i];
    *words++ = c2[i];
    *words++ = c3[i];
  }
}

}  // namespace senet::cpu
