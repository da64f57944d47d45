// Work for other threads whose end settles a promise on the JavaScript thread.
#pragma once

#include <napi.h>

#include <functional>
#include <memory>
#include <vector>

#include "core/device.h"

namespace senet::addon {

// Turns the exception in flight into a JavaScript error with a `code` (and `layer`, `tensor` for a non-finite
// value); call from a catch block.
Napi::Error to_js_error(Napi::Env env);

// Everything one Node environment (the main thread or a worker) has of senet. When the environment ends, its
// devices stop between two steps and no promise is settled any more.
class Environment {
 public:
  explicit Environment(Napi::Env env);
  ~Environment();

  static Environment& of(Napi::Env env);

  void add_device(const std::shared_ptr<Device>& device);
  // Stops the environment's devices for good; what was queued is dropped and its promises stay pending. For
  // the very end of a process, where a thread that still computes would find the libraries' state destroyed.
  void stop_devices();
  // Runs `work` on the device's thread, then `settle` on the JavaScript thread, whose value resolves the
  // promise. What either throws rejects it.
  Napi::Promise submit(Napi::Env env, const std::shared_ptr<Device>& device, std::function<void()> work,
                       std::function<Napi::Value(Napi::Env)> settle);

 private:
  struct Job;
  class Mailbox;

  static void settle_job(Napi::Env env, Job* job);

  std::shared_ptr<Mailbox> mailbox_;
  std::vector<std::weak_ptr<Device>> devices_;
  int pending_ = 0;
};

// The same for work that needs no device and holds nothing up: it runs on libuv's threads.
Napi::Promise submit_to_pool(Napi::Env env, std::function<void()> work,
                             std::function<Napi::Value(Napi::Env)> settle);

}  // namespace senet::addon
