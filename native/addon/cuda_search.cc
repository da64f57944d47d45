#include "addon/cuda_search.h"

#include <exception>
#include <memory>
#include <utility>

#include "addon/cuda_library.h"
#include "addon/fault.h"
#include "addon/jobs.h"
#include "core/error.h"

namespace senet::addon {

namespace {

class CudaSearch final : public Napi::AsyncWorker {
 public:
  CudaSearch(Napi::Env env, std::string plugin, std::vector<std::string> cudnn)
      : AsyncWorker(env),
        deferred_(Napi::Promise::Deferred::New(env)),
        plugin_(std::move(plugin)),
        cudnn_(std::move(cudnn)) {}
  Napi::Promise promise() const { return deferred_.Promise(); }

 protected:
  void Execute() override {
    try {
      SENET_FAULT_POINT("openCuda:job");
      const CudaPlugin& plugin = cuda_plugin(plugin_, cudnn_);
      description_ = plugin.description();
      const int count = plugin.device_count(&missing_);
      for (int i = 0; i < count; ++i) devices_.push_back(look_at(plugin, i));
    } catch (...) {
      error_ = std::current_exception();
    }
  }

  void OnOK() override {
    try {
      if (error_) std::rethrow_exception(error_);
      Napi::Array devices = Napi::Array::New(Env(), devices_.size());
      for (uint32_t i = 0; i < devices_.size(); ++i) {
        Napi::Object device = Napi::Object::New(Env());
        device.Set("description", devices_[i].description);
        device.Set("missing", devices_[i].missing);
        devices.Set(i, device);
      }
      Napi::Object result = Napi::Object::New(Env());
      result.Set("description", description_);
      result.Set("devices", devices);
      result.Set("missing", missing_);
      deferred_.Resolve(result);
    } catch (...) {
      deferred_.Reject(to_js_error(Env()).Value());
    }
  }

 private:
  struct Found {
    std::string description, missing;
  };

  // A device that cannot be used does not stand in the way of the others.
  static Found look_at(const CudaPlugin& plugin, int device) {
    try {
      return {plugin.device_description(device), {}};
    } catch (const Error& error) {
      return {{}, error.what()};
    }
  }

  Napi::Promise::Deferred deferred_;
  std::string plugin_, description_, missing_;
  std::vector<std::string> cudnn_;
  std::vector<Found> devices_;
  std::exception_ptr error_;
};

}  // namespace

Napi::Promise search_cuda(Napi::Env env, std::string plugin, std::vector<std::string> cudnn) {
  auto search = std::make_unique<CudaSearch>(env, std::move(plugin), std::move(cudnn));
  const Napi::Promise promise = search->promise();
  search->Queue();
  static_cast<void>(search.release());  // it deletes itself
  return promise;
}

}  // namespace senet::addon
