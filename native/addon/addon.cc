// The functions JavaScript sees, all on this screen; lib/native.ts gives them their types. Each checks what
// it is given just enough to be safe: the checks with helpful messages are on the TypeScript side.
#include <napi.h>

#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "addon/cuda_library.h"
#include "addon/cuda_search.h"
#include "addon/fault.h"
#include "addon/handles.h"
#include "addon/jobs.h"
#include "addon/resize_job.h"
#include "backends/cpu/cpu_backend.h"
#include "backends/cpu/peak.h"
#include "core/error.h"

namespace senet::addon {

namespace {

using Bytes = std::vector<std::byte>;

[[noreturn]] void fail(const std::string& message) {
  throw Error(ErrorCode::kArgument, message);
}

// The bytes of a typed array; valid until JavaScript runs again.
std::pair<const std::byte*, size_t> view(const Napi::Value& value) {
  if (!value.IsTypedArray()) fail("expected a typed array");
  const Napi::TypedArray array = value.As<Napi::TypedArray>();
  void* data = nullptr;
  napi_typedarray_type type;
  size_t length = 0;
  if (napi_get_typedarray_info(value.Env(), array, &type, &length, &data, nullptr, nullptr) != napi_ok) {
    fail("cannot read the typed array");
  }
  return {static_cast<const std::byte*>(data), array.ByteLength()};
}

Bytes copy_of(const Napi::Value& value, size_t expected, const std::string& what) {
  const auto [data, size] = view(value);
  if (size != expected) {
    fail(what + ": expected " + std::to_string(expected) + " bytes, received " + std::to_string(size));
  }
  return size == 0 ? Bytes() : Bytes(data, data + size);
}

Napi::Array array_of(const Napi::Value& value, const char* what) {
  if (!value.IsArray()) fail(std::string(what) + ": expected an array");
  return value.As<Napi::Array>();
}

Napi::ArrayBuffer to_js(Napi::Env env, const Bytes& bytes) {
  Napi::ArrayBuffer result = Napi::ArrayBuffer::New(env, bytes.size());
  if (!bytes.empty()) std::memcpy(result.Data(), bytes.data(), bytes.size());
  return result;
}

Napi::Array to_js(Napi::Env env, const std::vector<Bytes>& list) {
  Napi::Array result = Napi::Array::New(env, list.size());
  for (size_t i = 0; i < list.size(); ++i) result.Set(static_cast<uint32_t>(i), to_js(env, list[i]));
  return result;
}

std::vector<std::shared_ptr<Tensor>> tensors_of(const Napi::Value& value, const Device& device) {
  const Napi::Array array = array_of(value, "tensors");
  std::vector<std::shared_ptr<Tensor>> result;
  for (uint32_t i = 0; i < array.Length(); ++i) {
    result.push_back(Handle<Tensor>::get(array.Get(i)));
    if (&result.back()->device() != &device) fail("expected tensors of the device");
  }
  return result;
}

std::vector<std::string> strings_of(const Napi::Value& value, const char* what) {
  const Napi::Array array = array_of(value, what);
  std::vector<std::string> result;
  for (uint32_t i = 0; i < array.Length(); ++i) result.push_back(array.Get(i).ToString());
  return result;
}

// openCuda(plugin, cudnn[]) -> promise of { description, devices: { description, missing }[], missing }; what is missing
// for a device to be used, or for there to be devices, is empty where nothing is
Napi::Value open_cuda(const Napi::CallbackInfo& info) {
  return search_cuda(info.Env(), info[0].ToString(), strings_of(info[1], "openCuda"));
}

cuda::Storage storage_of(const std::string& precision) {
  if (precision == "float16") return cuda::Storage::kFloat16;
  return precision == "bfloat16" ? cuda::Storage::kBFloat16 : cuda::Storage::kFloat32;
}

std::unique_ptr<Backend> make_backend(const std::string& kind, const Napi::Object& options) {
  if (kind == "cpu") {
    return cpu::make_cpu_backend(options.Get("threads").ToNumber().Int32Value(),
                                 options.Get("layout").ToString(), options.Get("convolutions").ToString());
  }
  if (kind != "cuda") throw Error(ErrorCode::kUnsupported, "this build has no device '" + kind + "'");
  const std::string precision = options.Get("precision").ToString();
  CudaOptions cuda;
  cuda.device = options.Get("index").ToNumber().Int32Value();
  cuda.storage = storage_of(precision);
  cuda.tf32 = precision == "tf32";
  cuda.deterministic = options.Get("deterministic").ToBoolean();
  cuda.autotune = options.Get("autotune").ToBoolean();
  cuda.plan_cache = options.Get("planCache").ToString();
  return cuda_plugin(options.Get("plugin").ToString(), {}).make_backend(cuda);
}

// openDevice(kind, options) -> device; the options are those of lib/native.ts for the kind
Napi::Value open_device(const Napi::CallbackInfo& info) {
  if (!info[1].IsObject()) fail("openDevice: expected options");
  const Napi::Object options = info[1].As<Napi::Object>();
  const auto memory_limit = static_cast<size_t>(options.Get("memoryLimit").ToNumber().DoubleValue());
  auto device = std::make_shared<Device>(make_backend(info[0].ToString(), options), memory_limit);
  Environment::of(info.Env()).add_device(device);
  return Handle<Device>::wrap(info.Env(), std::move(device), 0);
}

// deviceInfo(device) -> { description, ops }
Napi::Value device_info(const Napi::CallbackInfo& info) {
  const auto device = Handle<Device>::get(info[0]);
  Napi::Object result = Napi::Object::New(info.Env());
  result.Set("description", device->backend().description());
  const std::vector<std::string> ops = device->backend().supported_ops();
  Napi::Array names = Napi::Array::New(info.Env(), ops.size());
  for (size_t i = 0; i < ops.size(); ++i) names.Set(static_cast<uint32_t>(i), ops[i]);
  result.Set("ops", names);
  return result;
}

// measurePeak(device) -> promise of { bandwidth, flops }, of a CPU device
Napi::Value measure_peak(const Napi::CallbackInfo& info) {
  auto peak = std::make_shared<cpu::Peak>();
  return Environment::of(info.Env())
      .submit(
          info.Env(), Handle<Device>::get(info[0]),
          [peak] {
            SENET_FAULT_POINT("measurePeak:job");
            *peak = cpu::measure_peak();
          },
          [peak](Napi::Env env) {
            Napi::Object result = Napi::Object::New(env);
            result.Set("bandwidth", peak->bandwidth);
            result.Set("flops", peak->flops);
            return result;
          });
}

// createTensor(device, bytes) -> tensor, zeroed
Napi::Value create_tensor(const Napi::CallbackInfo& info) {
  auto device = Handle<Device>::get(info[0]);
  const double bytes = info[1].ToNumber().DoubleValue();
  if (!(bytes >= 0 && bytes <= 9007199254740991.0)) fail("createTensor: a size out of range");
  auto tensor = std::make_shared<Tensor>(std::move(device), static_cast<size_t>(bytes));
  return Handle<Tensor>::wrap(info.Env(), std::move(tensor), static_cast<int64_t>(bytes));
}

// writeTensors(device, tensors, typedArrays) -> promise of undefined; the arrays are copied before it returns
Napi::Value write_tensors(const Napi::CallbackInfo& info) {
  const auto device = Handle<Device>::get(info[0]);
  auto tensors = tensors_of(info[1], *device);
  const Napi::Array arrays = array_of(info[2], "writeTensors");
  if (arrays.Length() != tensors.size()) fail("writeTensors: as many arrays as tensors are needed");
  std::vector<Bytes> copies;
  for (uint32_t i = 0; i < arrays.Length(); ++i) {
    copies.push_back(copy_of(arrays.Get(i), tensors[i]->size(), "writeTensors"));
  }
  return Environment::of(info.Env())
      .submit(
          info.Env(), device,
          [device = device.get(), tensors = std::move(tensors), copies = std::move(copies)] {
            SENET_FAULT_POINT("writeTensors:job");
            device->tensors_changed();
            for (size_t i = 0; i < tensors.size(); ++i) {
              device->backend().copy_in(tensors[i]->data(), copies[i].data(), copies[i].size());
            }
          },
          [](Napi::Env env) { return env.Undefined(); });
}

// readTensors(device, tensors) -> promise of ArrayBuffers
Napi::Value read_tensors(const Napi::CallbackInfo& info) {
  const auto device = Handle<Device>::get(info[0]);
  auto copies = std::make_shared<std::vector<Bytes>>();
  return Environment::of(info.Env())
      .submit(
          info.Env(), device,
          [device = device.get(), copies, tensors = tensors_of(info[1], *device)] {
            SENET_FAULT_POINT("readTensors:job");
            for (const auto& tensor : tensors) {
              copies->emplace_back(tensor->size());
              device->backend().copy_out(copies->back().data(), tensor->data(), tensor->size());
            }
          },
          [copies](Napi::Env env) { return to_js(env, *copies); });
}

// compile(device, message, tensors) -> promise of a program
Napi::Value compile(const Napi::CallbackInfo& info) {
  const auto device = Handle<Device>::get(info[0]);
  const auto [data, size] = view(info[1]);
  // Decoded here, so that a bad graph is reported by the call itself.
  auto graph = std::make_shared<Graph>(decode_graph(reinterpret_cast<const uint8_t*>(data), size));
  auto program = std::make_shared<std::shared_ptr<Program>>();
  return Environment::of(info.Env())
      .submit(
          info.Env(), device,
          [device, graph, program, tensors = tensors_of(info[2], *device)] {
            SENET_FAULT_POINT("compile:job");
            *program = std::make_shared<Program>(device, std::move(*graph), tensors);
          },
          [program](Napi::Env env) {
            const auto bytes = static_cast<int64_t>((*program)->constant_bytes());
            return Handle<Program>::wrap(env, std::move(*program), bytes);
          });
}

// programInfo(program) -> { arenaBytes, constantBytes,
//   steps: [{ op, layer, implementation, constant, bytes, flops }] }
Napi::Value program_info(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const auto program = Handle<Program>::get(info[0]);
  Napi::Object result = Napi::Object::New(env);
  result.Set("arenaBytes", static_cast<double>(program->arena_bytes()));
  result.Set("constantBytes", static_cast<double>(program->constant_bytes()));
  Napi::Array steps = Napi::Array::New(env);
  for (const Program::StepInfo& step : program->steps()) {
    Napi::Object entry = Napi::Object::New(env);
    entry.Set("op", step.op);
    entry.Set("layer", step.layer);
    entry.Set("implementation", step.implementation);
    entry.Set("constant", step.constant);
    entry.Set("bytes", step.cost.bytes);
    entry.Set("flops", step.cost.flops);
    steps.Set(steps.Length(), entry);
  }
  result.Set("steps", steps);
  return result;
}

// createInputs(program) -> promise of the inputs of one run
Napi::Value create_inputs(const Napi::CallbackInfo& info) {
  const auto program = Handle<Program>::get(info[0]);
  const std::shared_ptr<Device> device = program->device();
  auto inputs = std::make_shared<std::shared_ptr<StagedInputs>>();
  return Environment::of(info.Env())
      .submit(
          info.Env(), device,
          [program, inputs] {
            SENET_FAULT_POINT("createInputs:job");
            *inputs = std::make_shared<StagedInputs>(program);
          },
          [inputs](Napi::Env env) {
            const auto bytes = static_cast<int64_t>((*inputs)->size());
            return Handle<StagedInputs>::wrap(env, std::move(*inputs), bytes);
          });
}

// stageInput(inputs, index, offset, typedArray): copies a part of an input, from `offset` bytes on
Napi::Value stage_input(const Napi::CallbackInfo& info) {
  const auto inputs = Handle<StagedInputs>::get(info[0]);
  const double index = info[1].ToNumber().DoubleValue();
  const double offset = info[2].ToNumber().DoubleValue();
  if (!(index >= 0 && index < 1e9 && offset >= 0 && offset < 1e15)) fail("stageInput: a place out of range");
  const auto [data, bytes] = view(info[3]);
  inputs->write(static_cast<size_t>(index), static_cast<size_t>(offset), data, bytes);
  return info.Env().Undefined();
}

struct Run {
  std::vector<Bytes> outputs;
  std::vector<double> step_ms;
};

// run(inputs, profile) -> promise of { outputs: ArrayBuffer[], stepMs?: number[] }; the inputs, staged whole, must be
// left alone until then
Napi::Value run(const Napi::CallbackInfo& info) {
  const auto inputs = Handle<StagedInputs>::get(info[0]);
  const bool profile = info[1].ToBoolean();
  auto state = std::make_shared<Run>();
  return Environment::of(info.Env())
      .submit(
          info.Env(), inputs->program().device(),
          [state, inputs, profile] {
            SENET_FAULT_POINT("run:job");
            Program& program = inputs->program();
            for (size_t bytes : program.output_bytes()) state->outputs.emplace_back(bytes);
            program.run(*inputs, state->outputs, profile ? &state->step_ms : nullptr);
          },
          [state, profile](Napi::Env env) -> Napi::Value {
            Napi::Object result = Napi::Object::New(env);
            result.Set("outputs", to_js(env, state->outputs));
            if (!profile) return result;
            Napi::Array step_ms = Napi::Array::New(env, state->step_ms.size());
            for (size_t i = 0; i < state->step_ms.size(); ++i) {
              step_ms.Set(static_cast<uint32_t>(i), state->step_ms[i]);
            }
            result.Set("stepMs", step_ms);
            return result;
          });
}

// resizeImage(image, sizes) -> promise of an ArrayBuffer, the part; the image must not change until then
Napi::Value resize_image(const Napi::CallbackInfo& info) {
  const auto [data, size] = view(info[0]);
  if (!info[1].IsObject()) fail("resizeImage: expected sizes");
  return resize_on_pool(info[0].As<Napi::Object>(), {data, size}, info[1].As<Napi::Object>());
}

// dispose(handle): lets go of any of the native objects; more than once does nothing
Napi::Value dispose(const Napi::CallbackInfo& info) {
  if (!Handle<Device>::dispose(info[0]) && !Handle<Tensor>::dispose(info[0]) &&
      !Handle<Program>::dispose(info[0]) && !Handle<StagedInputs>::dispose(info[0])) {
    fail("dispose: expected a device, a tensor, a program or staged inputs");
  }
  return info.Env().Undefined();
}

// stopDevices(): ends all work of this environment; to be called when the process exits
Napi::Value stop_devices(const Napi::CallbackInfo& info) {
  Environment::of(info.Env()).stop_devices();
  return info.Env().Undefined();
}

// liveHandles() -> how many native objects JavaScript holds in this process
Napi::Value live(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), static_cast<double>(live_handles()));
}

// The one guard: whatever a function throws becomes a JavaScript error.
template <Napi::Value (*function)(const Napi::CallbackInfo&)>
Napi::Value guarded(const Napi::CallbackInfo& info) {
  try {
    SENET_FAULT_POINT(static_cast<const char*>(info.Data()));
    return function(info);
  } catch (...) {
    throw to_js_error(info.Env());
  }
}

template <Napi::Value (*function)(const Napi::CallbackInfo&)>
void add(Napi::Env env, Napi::Object exports, const char* name) {
  exports.Set(name, Napi::Function::New<guarded<function>>(env, name, const_cast<char*>(name)));
}

Napi::Object init(Napi::Env env, Napi::Object exports) {
  env.SetInstanceData(new Environment(env));
  add<open_cuda>(env, exports, "openCuda");
  add<open_device>(env, exports, "openDevice");
  add<device_info>(env, exports, "deviceInfo");
  add<measure_peak>(env, exports, "measurePeak");
  add<create_tensor>(env, exports, "createTensor");
  add<write_tensors>(env, exports, "writeTensors");
  add<read_tensors>(env, exports, "readTensors");
  add<compile>(env, exports, "compile");
  add<program_info>(env, exports, "programInfo");
  add<create_inputs>(env, exports, "createInputs");
  add<stage_input>(env, exports, "stageInput");
  add<run>(env, exports, "run");
  add<resize_image>(env, exports, "resizeImage");
  add<dispose>(env, exports, "dispose");
  add<stop_devices>(env, exports, "stopDevices");
  add<live>(env, exports, "liveHandles");
  add_fault_control(env, exports);
  return exports;
}

}  // namespace

NODE_API_MODULE(senet, init)

}  // namespace senet::addon
