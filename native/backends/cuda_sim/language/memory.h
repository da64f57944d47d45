// Loads and stores with a cache hint. Here they also check the address: it must be aligned and lie in one
// live allocation of the device.
#pragma once

#include <cstddef>

#include "backends/cuda_sim/language/fault.h"

namespace senet::sim {

void check_global_address(const void* address, size_t bytes, size_t alignment, const Site& site);

template <typename T>
T checked_load(const T* address, const Site& site) {
  check_global_address(address, sizeof(T), alignof(T), site);
  return *address;
}

template <typename T>
void checked_store(T* address, T value, const Site& site) {
  check_global_address(address, sizeof(T), alignof(T), site);
  *address = value;
}

}  // namespace senet::sim

template <typename T>
T __ldg(const T* address, const senet::sim::Site site = senet::sim::Site::current()) {
  return senet::sim::checked_load(address, site);
}
template <typename T>
T __ldca(const T* address, const senet::sim::Site site = senet::sim::Site::current()) {
  return senet::sim::checked_load(address, site);
}
template <typename T>
T __ldcg(const T* address, const senet::sim::Site site = senet::sim::Site::current()) {
  return senet::sim::checked_load(address, site);
}
template <typename T>
T __ldcs(const T* address, const senet::sim::Site site = senet::sim::Site::current()) {
  return senet::sim::checked_load(address, site);
}
template <typename T>
T __ldlu(const T* address, const senet::sim::Site site = senet::sim::Site::current()) {
  return senet::sim::checked_load(address, site);
}
template <typename T>
void __stwb(T* address, T value, const senet::sim::Site site = senet::sim::Site::current()) {
  senet::sim::checked_store(address, value, site);
}
template <typename T>
void __stcg(T* address, T value, const senet::sim::Site site = senet::sim::Site::current()) {
  senet::sim::checked_store(address, value, site);
}
template <typename T>
void __stcs(T* address, T value, const senet::sim::Site site = senet::sim::Site::current()) {
  senet::sim::checked_store(address, value, site);
}
template <typename T>
void __stwt(T* address, T value, const senet::sim::Site site = senet::sim::Site::current()) {
  senet::sim::checked_store(address, value, site);
}
