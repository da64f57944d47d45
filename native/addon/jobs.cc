#include "addon/jobs.h"

#include <algorithm>
#include <exception>
#include <mutex>
#include <new>
#include <utility>

#include "core/error.h"

namespace senet::addon {

namespace {

const char* code_name(ErrorCode code) {
  switch (code) {
    case ErrorCode::kArgument:
      return "ERR_SENET_ARGUMENT";
    case ErrorCode::kUnsupported:
      return "ERR_SENET_UNSUPPORTED";
    case ErrorCode::kOutOfMemory:
      return "ERR_SENET_OUT_OF_MEMORY";
    case ErrorCode::kNonFinite:
      return "ERR_SENET_NON_FINITE";
    case ErrorCode::kDisposed:
      return "ERR_SENET_DISPOSED";
    case ErrorCode::kStopped:
    case ErrorCode::kInternal:
      break;
  }
  return "ERR_SENET_NATIVE";
}

Napi::Error make_error(Napi::Env env, ErrorCode code, const std::string& message) {
  Napi::Error error = Napi::Error::New(env, message);
  error.Value().Set("code", Napi::String::New(env, code_name(code)));
  return error;
}

// Settles a promise by what work has led to.
void settle_promise(Napi::Env env, const Napi::Promise::Deferred& deferred, const std::exception_ptr& error,
                    const std::function<Napi::Value(Napi::Env)>& settle) {
  try {
    try {
      if (error) std::rethrow_exception(error);
      deferred.Resolve(settle(env));
    } catch (...) {
      deferred.Reject(to_js_error(env).Value());
    }
  } catch (const Napi::Error&) {
    // The environment is being terminated: there is no JavaScript left to run, and nobody to tell.
  }
}

class PoolJob final : public Napi::AsyncWorker {
 public:
  PoolJob(Napi::Env env, std::function<void()> work, std::function<Napi::Value(Napi::Env)> settle)
      : AsyncWorker(env, "senet"),
        deferred_(Napi::Promise::Deferred::New(env)),
        work_(std::move(work)),
        settle_(std::move(settle)) {}

  Napi::Promise promise() const { return deferred_.Promise(); }

 protected:
  void Execute() override {
    try {
      work_();
    } catch (...) {
      error_ = std::current_exception();
    }
  }
  void OnOK() override { settle_promise(Env(), deferred_, error_, settle_); }

 private:
  Napi::Promise::Deferred deferred_;
  std::function<void()> work_;
  std::function<Napi::Value(Napi::Env)> settle_;
  std::exception_ptr error_;
};

}  // namespace

Napi::Error to_js_error(Napi::Env env) {
  try {
    throw;
  } catch (const Napi::Error& error) {
    return error;
  } catch (const NonFiniteError& error) {
    Napi::Error result = make_error(env, error.code(), error.what());
    result.Value().Set("layer", Napi::String::New(env, error.layer()));
    result.Value().Set("tensor", Napi::String::New(env, error.tensor()));
    return result;
  } catch (const Error& error) {
    return make_error(env, error.code(), error.what());
  } catch (const std::bad_alloc&) {
    return make_error(env, ErrorCode::kOutOfMemory, "not enough memory");
  } catch (const std::exception& error) {
    return make_error(env, ErrorCode::kInternal, error.what());
  } catch (...) {
    return make_error(env, ErrorCode::kInternal, "unknown native exception");
  }
}

struct Environment::Job {
  Napi::Promise::Deferred deferred;
  Environment* environment;
  std::shared_ptr<Device> device;
  std::function<void()> work;
  std::function<Napi::Value(Napi::Env)> settle;
  std::exception_ptr error;
};

// Where device threads leave finished jobs. Outlives the environment: a job that finishes later finds it
// closed.
class Environment::Mailbox {
 public:
  explicit Mailbox(napi_threadsafe_function function) : function_(function) {}

  // On a device's thread. The job is deleted on the JavaScript thread; when that is gone there is nobody left
  // to tell, and what the job holds is the device's to drop.
  void post(Job* job) {
    std::lock_guard lock(mutex_);
    if (function_ == nullptr ||
        napi_call_threadsafe_function(function_, job, napi_tsfn_nonblocking) != napi_ok) {
      delete job;
    }
  }

  void close() {
    std::lock_guard lock(mutex_);
    if (function_ == nullptr) return;
    napi_release_threadsafe_function(function_, napi_tsfn_abort);
    function_ = nullptr;
  }

  void hold_process(Napi::Env env) { napi_ref_threadsafe_function(env, function_); }
  void let_process_end(Napi::Env env) { napi_unref_threadsafe_function(env, function_); }

 private:
  std::mutex mutex_;
  napi_threadsafe_function function_;
};

Environment::Environment(Napi::Env env) {
  const napi_threadsafe_function_call_js call = [](napi_env raw_env, napi_value, void*, void* data) {
    if (raw_env != nullptr) {
      settle_job(Napi::Env(raw_env), static_cast<Job*>(data));
    } else {
      delete static_cast<Job*>(data);
    }
  };
  napi_threadsafe_function function = nullptr;
  if (napi_create_threadsafe_function(env, nullptr, nullptr, Napi::String::New(env, "senet"), 0, 1, nullptr,
                                      nullptr, nullptr, call, &function) != napi_ok) {
    throw Error(ErrorCode::kInternal, "cannot create a thread-safe function");
  }
  mailbox_ = std::make_shared<Mailbox>(function);
  mailbox_->let_process_end(env);
  // Registered after the function above and therefore run before its own clean-up.
  napi_add_env_cleanup_hook(
      env,
      [](void* self) {
        auto* environment = static_cast<Environment*>(self);
        environment->mailbox_->close();
        environment->stop_devices();
      },
      this);
}

Environment::~Environment() = default;

Environment& Environment::of(Napi::Env env) {
  return *env.GetInstanceData<Environment>();
}

void Environment::add_device(const std::shared_ptr<Device>& device) {
  std::erase_if(devices_, [](const std::weak_ptr<Device>& weak) { return weak.expired(); });
  devices_.push_back(device);
}

void Environment::stop_devices() {
  for (const std::weak_ptr<Device>& weak : devices_) {
    if (const std::shared_ptr<Device> device = weak.lock()) device->stop();
  }
}

Napi::Promise Environment::submit(Napi::Env env, const std::shared_ptr<Device>& device,
                                  std::function<void()> work, std::function<Napi::Value(Napi::Env)> settle) {
  Job* job =
      new Job{Napi::Promise::Deferred::New(env), this, device, std::move(work), std::move(settle), nullptr};
  const Napi::Promise promise = job->deferred.Promise();
  if (pending_++ == 0) mailbox_->hold_process(env);
  device->submit([job, mailbox = mailbox_] {
    try {
      job->device->perform(job->work);
    } catch (...) {
      job->error = std::current_exception();
    }
    mailbox->post(job);
  });
  return promise;
}

void Environment::settle_job(Napi::Env env, Job* raw) {
  const std::unique_ptr<Job> job(raw);
  Environment& environment = *job->environment;
  if (--environment.pending_ == 0) environment.mailbox_->let_process_end(env);
  Napi::HandleScope scope(env);
  settle_promise(env, job->deferred, job->error, job->settle);
}

Napi::Promise submit_to_pool(Napi::Env env, std::function<void()> work,
                             std::function<Napi::Value(Napi::Env)> settle) {
  // Deletes itself once it is settled.
  auto* job = new PoolJob(env, std::move(work), std::move(settle));
  const Napi::Promise promise = job->promise();
  job->Queue();
  return promise;
}

}  // namespace senet::addon
