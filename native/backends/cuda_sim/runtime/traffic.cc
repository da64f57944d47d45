#include "backends/cuda_sim/runtime/traffic.h"

#include <bit>

#include "backends/cuda_sim/runtime/device_memory.h"

namespace senet::sim {

namespace {

constexpr size_t kSector = 32;

// Position of an address in the device's memory; false if it lies elsewhere (shared memory, a local
// variable).
bool device_offset(const void* address, size_t* offset) {
  const DeviceMemory& memory = device_memory();
  if (!memory.owns(address)) return false;
  *offset = static_cast<size_t>(static_cast<const std::byte*>(address) - memory.base());
  return true;
}

void accumulate(SimTraffic& sum, const SimTraffic& one) {
  sum.launches += one.launches;
  sum.bytes_read += one.bytes_read;
  sum.bytes_written += one.bytes_written;
  sum.unique_read += one.unique_read;
  sum.unique_written += one.unique_written;
}

}  // namespace

Traffic& traffic() {
  static Traffic& only = *new Traffic;
  return only;
}

void SectorSet::insert(size_t offset, size_t bytes) {
  for (size_t sector = offset / kSector; sector <= (offset + bytes - 1) / kSector; ++sector) {
    const size_t word = sector / 64;
    if (word >= words_.size()) words_.resize(word + word / 2 + 1024);
    if (words_[word] == 0) touched_.push_back(word);
    words_[word] |= uint64_t{1} << sector % 64;
  }
}

uint64_t SectorSet::clear() {
  uint64_t sectors = 0;
  for (const size_t word : touched_) {
    sectors += static_cast<uint64_t>(std::popcount(words_[word]));
    words_[word] = 0;
  }
  touched_.clear();
  return sectors * kSector;
}

void Traffic::begin_kernel(const std::string& name) {
  current_ = &records_[name];
  ++current_->launches;
}

void Traffic::end_kernel() {
  current_->unique_read += read_sectors_.clear();
  current_->unique_written += written_sectors_.clear();
  current_ = nullptr;
}

void Traffic::read(const void* address, size_t bytes) {
  size_t offset;
  if (current_ == nullptr || bytes == 0 || !device_offset(address, &offset)) return;
  current_->bytes_read += bytes;
  read_sectors_.insert(offset, bytes);
}

void Traffic::write(const void* address, size_t bytes) {
  size_t offset;
  if (current_ == nullptr || bytes == 0 || !device_offset(address, &offset)) return;
  current_->bytes_written += bytes;
  written_sectors_.insert(offset, bytes);
}

void Traffic::add(const std::string& name, uint64_t bytes_read, uint64_t bytes_written) {
  accumulate(records_[name], {1, bytes_read, bytes_written, bytes_read, bytes_written});
}

SimTraffic Traffic::of(const std::string& name) const {
  const auto found = records_.find(name);
  return found == records_.end() ? SimTraffic{} : found->second;
}

SimTraffic Traffic::total() const {
  SimTraffic sum{};
  for (const auto& entry : records_) accumulate(sum, entry.second);
  return sum;
}

}  // namespace senet::sim
