#include "addon/fault.h"

#ifdef SENET_FAULT_INJECTION

#include <dlfcn.h>

#include <array>
#include <cstdint>
#include <mutex>
#include <new>
#include <stdexcept>
#include <string>

#include "core/error.h"

namespace senet::addon {

namespace {

// Process-wide on purpose: a fault is set on the JavaScript thread and met on a device's.
std::mutex g_mutex;
std::string g_point, g_kind;

Napi::Value set_fault(const Napi::CallbackInfo& info) {
  std::lock_guard lock(g_mutex);
  g_point = info[0].ToString();
  g_kind = info[1].ToString();
  return info.Env().Undefined();
}

// Calls a function of a library with up to three arguments. They are whole numbers or strings, as is the result if
// there is one: each takes a register of its own, so that one type of call serves all such functions.
Napi::Value call_library(const Napi::CallbackInfo& info) {
  const std::string file = info[0].ToString(), name = info[1].ToString();
  void* library = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
  void* function = library == nullptr ? nullptr : dlsym(library, name.c_str());
  if (function == nullptr) throw Napi::Error::New(info.Env(), file + ": no function " + name);
  std::array<uintptr_t, 3> arguments{};
  std::array<std::string, 3> texts;
  for (size_t i = 0; i + 2 < info.Length() && i < arguments.size(); ++i) {
    const Napi::Value value = info[i + 2];
    texts[i] = value.ToString();
    arguments[i] = value.IsString() ? reinterpret_cast<uintptr_t>(texts[i].c_str())
                                    : static_cast<uintptr_t>(value.ToNumber().Int64Value());
  }
  const auto call = reinterpret_cast<uint64_t (*)(uintptr_t, uintptr_t, uintptr_t)>(function);
  return Napi::Number::New(info.Env(), static_cast<double>(call(arguments[0], arguments[1], arguments[2])));
}

}  // namespace

void fault_point(const char* point) {
  std::string kind;
  {
    std::lock_guard lock(g_mutex);
    if (g_point != point) return;
    kind = g_kind;
    g_point.clear();
  }
  if (kind == "bad_alloc") throw std::bad_alloc();
  if (kind == "runtime_error") throw std::runtime_error("injected");
  if (kind == "int") throw 42;
  throw Error(ErrorCode::kInternal, "injected");
}

void add_fault_control(Napi::Env env, Napi::Object exports) {
  exports.Set("setFault", Napi::Function::New(env, set_fault, "setFault"));
  exports.Set("callLibrary", Napi::Function::New(env, call_library, "callLibrary"));
}

}  // namespace senet::addon

#endif
