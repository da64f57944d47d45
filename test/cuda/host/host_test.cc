// Whole programs with the threads that they have in a process, for the thread sanitizer:
//
//   host_tests TRAINING PREDICTION
//
// names two files of encoded graphs (lib/ir/message.ts) over the same parameters. One thread for each of several
// devices plays JavaScript's: it stages the inputs of the next step while one runs, predicts in between, reads weights,
// and lets go of everything with work in flight. Equal devices must train to equal losses.
#include <cmath>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <future>
#include <iterator>
#include <map>
#include <stdexcept>
#include <thread>

#include "backends/cuda/cuda_backend.h"
#include "backends/cuda_sim/control.h"
#include "core/staged_inputs.h"

namespace senet::cuda::test {

namespace {

constexpr int kSteps = 4;

Graph read_graph(const char* path) {
  std::ifstream file(path, std::ios::binary);
  const std::string text((std::istreambuf_iterator<char>(file)), {});
  return decode_graph(reinterpret_cast<const uint8_t*>(text.data()), text.size());
}

using Bytes = std::vector<std::byte>;

// Floats around 0.1 that differ from seed to seed, or zeros of another type; a scalar is a learning rate.
Bytes contents(const Value& value, int seed) {
  Bytes bytes(value.bytes());
  if (value.dtype != DType::kFloat32) return bytes;
  for (int64_t i = 0; i < value.elements(); ++i) {
    const auto wave = static_cast<float>(std::sin(0.7 * static_cast<double>(i + seed)));
    const float number = value.shape.empty() ? 0.01f : 0.1f + 0.05f * wave;
    std::memcpy(bytes.data() + i * 4, &number, 4);
  }
  return bytes;
}

// One device, and what a model has on it.
class Model {
 public:
  Model(Storage storage, const Graph& training, const Graph& prediction) {
    CudaOptions options;
    options.storage = storage;
    device_ = std::make_shared<Device>(make_cuda_backend(options), 0);
    training_ = compile(training);
    prediction_ = compile(prediction);
  }
  ~Model() { device_->stop(); }
  Model(const Model&) = delete;
  Model& operator=(const Model&) = delete;

  // The losses of some steps.
  std::vector<float> train() {
    std::vector<float> losses;
    std::shared_ptr<StagedInputs> next = stage(training_, training_inputs_, 0);
    std::shared_ptr<StagedInputs> spare = make(training_);
    for (int step = 0; step < kSteps; ++step) {
      std::future<float> loss = run(next);
      fill(*spare, training_inputs_, step + 1);
      losses.push_back(loss.get());
      std::swap(next, spare);
      if (step % 2 == 1) run(stage(prediction_, prediction_inputs_, step)).get();
      read_weights();
    }
    return losses;
  }

  // Queues steps and lets go of all that they use.
  void leave() {
    for (int step = 0; step < 3; ++step) run(stage(training_, training_inputs_, step));
    training_.reset();
    prediction_.reset();
    tensors_.clear();
  }

 private:
  // Does something on the device's thread, and gives back the promise of its result.
  template <typename Work>
  auto submit(Work work) {
    auto task = std::make_shared<std::packaged_task<decltype(work())()>>(std::move(work));
    auto result = task->get_future();
    device_->submit([task] { (*task)(); });
    return result;
  }

  std::shared_ptr<Program> compile(const Graph& graph) {
    std::vector<std::shared_ptr<Tensor>> tensors;
    std::vector<Value>& inputs = training_inputs_.empty() ? training_inputs_ : prediction_inputs_;
    for (const Value& value : graph.values) {
      if (value.kind == ValueKind::kInput) inputs.push_back(value);
      if (value.kind != ValueKind::kParameter && value.kind != ValueKind::kState) continue;
      std::shared_ptr<Tensor>& tensor = tensors_[value.name];
      if (tensor == nullptr) tensor = filled_tensor(value);
      tensors.push_back(tensor);
    }
    return submit([this, graph, tensors] { return std::make_shared<Program>(device_, graph, tensors); })
        .get();
  }

  std::shared_ptr<Tensor> filled_tensor(const Value& value) {
    auto tensor = std::make_shared<Tensor>(device_, value.bytes());
    submit([this, tensor, bytes = contents(value, 1)] {
      device_->tensors_changed();
      device_->backend().copy_in(tensor->data(), bytes.data(), bytes.size());
    }).get();
    return tensor;
  }

  std::shared_ptr<StagedInputs> make(const std::shared_ptr<Program>& program) {
    return submit([program] { return std::make_shared<StagedInputs>(program); }).get();
  }

  // In two parts each, as large inputs come.
  static void fill(StagedInputs& staged, const std::vector<Value>& inputs, int seed) {
    for (size_t i = 0; i < inputs.size(); ++i) {
      const Bytes bytes = contents(inputs[i], seed);
      const size_t half = bytes.size() / 2;
      staged.write(i, 0, bytes.data(), half);
      staged.write(i, half, bytes.data() + half, bytes.size() - half);
    }
  }

  std::shared_ptr<StagedInputs> stage(const std::shared_ptr<Program>& program,
                                      const std::vector<Value>& inputs, int seed) {
    auto staged = make(program);
    fill(*staged, inputs, seed);
    return staged;
  }

  // The first number of the first output.
  std::future<float> run(const std::shared_ptr<StagedInputs>& staged) {
    return submit([staged] {
      std::vector<Bytes> outputs;
      for (size_t bytes : staged->program().output_bytes()) outputs.emplace_back(bytes);
      staged->program().run(*staged, outputs, nullptr);
      float first = 0;
      std::memcpy(&first, outputs.front().data(), sizeof first);
      return first;
    });
  }

  void read_weights() {
    submit([this] {
      for (const auto& [name, tensor] : tensors_) {
        Bytes bytes(tensor->size());
        device_->backend().copy_out(bytes.data(), tensor->data(), bytes.size());
      }
    }).get();
  }

  std::shared_ptr<Device> device_;
  std::map<std::string, std::shared_ptr<Tensor>> tensors_;
  std::shared_ptr<Program> training_, prediction_;
  std::vector<Value> training_inputs_, prediction_inputs_;
};

std::vector<float> life(Storage storage, const Graph& training, const Graph& prediction) {
  Model model(storage, training, prediction);
  std::vector<float> losses = model.train();
  model.leave();
  return losses;
}

void expect_finite(const std::vector<float>& losses) {
  for (float loss : losses) {
    if (!std::isfinite(loss)) throw std::runtime_error("a loss is not finite");
  }
}

void run_all(const char* training_path, const char* prediction_path) {
  sim_live_count();  // the simulated device comes to life before there are threads
  const Graph training = read_graph(training_path), prediction = read_graph(prediction_path);
  const auto start = [&](Storage storage) {
    return std::async(std::launch::async, [&, storage] { return life(storage, training, prediction); });
  };
  auto one = start(Storage::kFloat32), two = start(Storage::kFloat32), half = start(Storage::kBFloat16);
  const std::vector<float> losses = one.get();
  expect_finite(losses);
  expect_finite(half.get());
  if (two.get() != losses) throw std::runtime_error("equal devices trained to different losses");
  if (sim_live_count() != 0) throw std::runtime_error("something is left on the device");
}

}  // namespace

}  // namespace senet::cuda::test

int main(int count, char** arguments) {
  if (count != 3) {
    std::fprintf(stderr, "usage: host_tests TRAINING PREDICTION\n");
    return 2;
  }
  try {
    senet::cuda::test::run_all(arguments[1], arguments[2]);
  } catch (const std::exception& error) {
    std::printf("%s\n", error.what());
    return 1;
  }
  std::printf("ok\n");
  return 0;
}
