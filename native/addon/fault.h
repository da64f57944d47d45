// Faults on demand, for the test build alone: setFault(point, kind) makes the named point throw once, and
// callLibrary() gives the simulated GPU its orders. In a release build a fault point is nothing at all.
#pragma once

#include <napi.h>

#ifdef SENET_FAULT_INJECTION

namespace senet::addon {

// Throws what setFault() asked for at this point, once.
void fault_point(const char* point);
// Exports setFault(point, kind) with kind one of 'bad_alloc', 'runtime_error', 'int', 'backend', and
// callLibrary(file, function, ...numbers and strings) -> number.
void add_fault_control(Napi::Env env, Napi::Object exports);

}  // namespace senet::addon

#define SENET_FAULT_POINT(point) ::senet::addon::fault_point(point)

#else

namespace senet::addon {

inline void add_fault_control(Napi::Env, Napi::Object) {}

}  // namespace senet::addon

#define SENET_FAULT_POINT(point) static_cast<void>(point)

#endif
