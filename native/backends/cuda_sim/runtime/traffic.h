// Counts launches, and bytes of device memory that are read and written, per name.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "backends/cuda_sim/control.h"

namespace senet::sim {

// Which 32-byte sectors of the device's memory a launch has touched.
class SectorSet {
 public:
  void insert(size_t offset, size_t bytes);
  // Forgets all; gives back the bytes of the sectors.
  uint64_t clear();

 private:
  std::vector<uint64_t> words_;  // a bit per sector
  std::vector<size_t> touched_;  // words that are not 0
};

class Traffic {
 public:
  // Between the two, what the hooks see is the named kernel's.
  void begin_kernel(const std::string& name);
  void end_kernel();

  void read(const void* address, size_t bytes);
  void write(const void* address, size_t bytes);

  // For operations that say what they did.
  void add(const std::string& name, uint64_t bytes_read, uint64_t bytes_written);

  SimTraffic of(const std::string& name) const;
  SimTraffic total() const;
  const std::map<std::string, SimTraffic>& all() const { return records_; }
  void reset() { records_.clear(); }

 private:
  std::map<std::string, SimTraffic> records_;
  SimTraffic* current_ = nullptr;
  SectorSet read_sectors_;
  SectorSet written_sectors_;
};

// The one of the process; used under the runtime's lock.
Traffic& traffic();

}  // namespace senet::sim
