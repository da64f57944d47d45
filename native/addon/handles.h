// JavaScript objects that hold a native object, told apart by a type tag so that a foreign object is a
// TypeError.
#pragma once

#include <napi.h>

#include <memory>

#include "core/device.h"
#include "core/program.h"
#include "core/staged_inputs.h"
#include "core/tensor.h"

namespace senet::addon {

// Wraps a shared native object in a plain JavaScript object. dispose() lets go of it at once, garbage
// collection in the end.
template <typename T>
struct Handle {
  static const napi_type_tag kTag;
  static const char* const kName;

  std::shared_ptr<T> object;
  int64_t external_bytes;  // told to V8 so that the garbage collector knows what an object holds

  static Napi::Object wrap(Napi::Env env, std::shared_ptr<T> object, int64_t external_bytes);
  // The native object; a TypeError when the value is something else, an Error (kDisposed) after dispose().
  static std::shared_ptr<T> get(const Napi::Value& value);
  // True when the value is a live or disposed handle of this type; lets go of the native object.
  static bool dispose(const Napi::Value& value);
};

// Objects of all types that JavaScript currently holds in this process.
int64_t live_handles();

}  // namespace senet::addon
