#include "addon/handles.h"

#include <atomic>
#include <string>
#include <utility>

#include "core/error.h"

namespace senet::addon {

namespace {

std::atomic<int64_t> g_live_handles{0};

template <typename T>
void release(Napi::BasicEnv env, Handle<T>* handle) {
  if (handle->object == nullptr) return;
  handle->object.reset();
  --g_live_handles;
  Napi::MemoryManagement::AdjustExternalMemory(env, -handle->external_bytes);
}

template <typename T>
Handle<T>* unwrap(const Napi::Value& value) {
  if (!value.IsObject()) return nullptr;
  const Napi::Object object = value.As<Napi::Object>();
  if (!object.CheckTypeTag(&Handle<T>::kTag)) return nullptr;
  void* data = nullptr;
  if (napi_unwrap(value.Env(), object, &data) != napi_ok) return nullptr;
  return static_cast<Handle<T>*>(data);
}

}  // namespace

template <>
const napi_type_tag Handle<Device>::kTag = {0x5e9d1f0c2b7a4e61, 0x8a3c5d7e9f102b34};
template <>
const napi_type_tag Handle<Tensor>::kTag = {0x5e9d1f0c2b7a4e62, 0x8a3c5d7e9f102b34};
template <>
const napi_type_tag Handle<Program>::kTag = {0x5e9d1f0c2b7a4e63, 0x8a3c5d7e9f102b34};
template <>
const napi_type_tag Handle<StagedInputs>::kTag = {0x5e9d1f0c2b7a4e64, 0x8a3c5d7e9f102b34};
template <>
const char* const Handle<Device>::kName = "device";
template <>
const char* const Handle<Tensor>::kName = "tensor";
template <>
const char* const Handle<Program>::kName = "program";
template <>
const char* const Handle<StagedInputs>::kName = "staged inputs";

template <typename T>
Napi::Object Handle<T>::wrap(Napi::Env env, std::shared_ptr<T> object, int64_t external_bytes) {
  const Napi::Object result = Napi::Object::New(env);
  auto handle = std::make_unique<Handle<T>>(Handle<T>{std::move(object), external_bytes});
  const napi_finalize finalize = [](napi_env raw_env, void* data, void*) {
    std::unique_ptr<Handle<T>> owned(static_cast<Handle<T>*>(data));
    release(Napi::BasicEnv(raw_env), owned.get());
  };
  if (napi_wrap(env, result, handle.get(), finalize, nullptr, nullptr) != napi_ok) {
    throw Error(ErrorCode::kInternal, "cannot wrap a native object");
  }
  static_cast<void>(handle.release());  // the finalizer owns it now
  ++g_live_handles;
  Napi::MemoryManagement::AdjustExternalMemory(env, external_bytes);
  result.TypeTag(&kTag);
  return result;
}

template <typename T>
std::shared_ptr<T> Handle<T>::get(const Napi::Value& value) {
  const Handle<T>* handle = unwrap<T>(value);
  if (handle == nullptr) throw Error(ErrorCode::kArgument, std::string("expected a ") + kName);
  if (handle->object == nullptr) throw Error(ErrorCode::kDisposed, std::string("the ") + kName);
  return handle->object;
}

template <typename T>
bool Handle<T>::dispose(const Napi::Value& value) {
  Handle<T>* handle = unwrap<T>(value);
  if (handle != nullptr) release(value.Env(), handle);
  return handle != nullptr;
}

template struct Handle<Device>;
template struct Handle<Tensor>;
template struct Handle<Program>;
template struct Handle<StagedInputs>;

int64_t live_handles() {
  return g_live_handles.load();
}

}  // namespace senet::addon
