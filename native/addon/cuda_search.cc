#include "addon/cuda_search.h"

#include <memory>
#include <utility>

#include "addon/cuda_library.h"
#include "addon/fault.h"
#include "addon/jobs.h"
#include "core/error.h"

namespace senet::addon {

namespace {

struct FoundDevice {
  std::string description, missing;
};

struct Found {
  std::string description, missing;
  std::vector<FoundDevice> devices;
};

// A device that cannot be used does not stand in the way of the others.
FoundDevice look_at(const CudaPlugin& plugin, int device) {
  try {
    return {plugin.device_description(device), {}};
  } catch (const Error& error) {
    return {{}, error.what()};
  }
}

Napi::Value to_js(Napi::Env env, const Found& found) {
  Napi::Array devices = Napi::Array::New(env, found.devices.size());
  for (uint32_t i = 0; i < found.devices.size(); ++i) {
    Napi::Object device = Napi::Object::New(env);
    device.Set("description", found.devices[i].description);
    device.Set("missing", found.devices[i].missing);
    devices.Set(i, device);
  }
  Napi::Object result = Napi::Object::New(env);
  result.Set("description", found.description);
  result.Set("devices", devices);
  result.Set("missing", found.missing);
  return result;
}

}  // namespace

Napi::Promise search_cuda(Napi::Env env, std::string plugin, std::vector<std::string> cudnn) {
  auto found = std::make_shared<Found>();
  return submit_to_pool(
      env,
      [found, file = std::move(plugin), cudnn = std::move(cudnn)] {
        SENET_FAULT_POINT("openCuda:job");
        const CudaPlugin& opened = cuda_plugin(file, cudnn);
        found->description = opened.description();
        const int count = opened.device_count(&found->missing);
        for (int i = 0; i < count; ++i) found->devices.push_back(look_at(opened, i));
      },
      [found](Napi::Env js) { return to_js(js, *found); });
}

}  // namespace senet::addon
