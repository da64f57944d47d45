#include "addon/fault.h"

#ifdef SENET_FAULT_INJECTION

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
}

}  // namespace senet::addon

#endif
