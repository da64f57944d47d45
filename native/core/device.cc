#include "core/device.h"

#include <exception>
#include <utility>

#include "core/error.h"

namespace senet {

Device::Device(std::unique_ptr<Backend> backend, size_t memory_limit)
    : backend_(std::move(backend)), memory_limit_(memory_limit), thread_([this] { loop(); }) {}

Device::~Device() {
  {
    std::lock_guard lock(mutex_);
    closing_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Device::submit(std::function<void()> job) {
  {
    std::lock_guard lock(mutex_);
    if (closing_) return;
    jobs_.push_back(std::move(job));
  }
  wake_.notify_all();
}

void Device::stop() {
  stopping_ = true;
  std::deque<std::function<void()>> dropped;
  {
    std::lock_guard lock(mutex_);
    closing_ = true;
    dropped.swap(jobs_);
  }
  wake_.notify_all();
  std::lock_guard lock(join_mutex_);
  if (thread_.joinable()) thread_.join();
}

void Device::retire(std::unique_ptr<Memory> memory) {
  if (memory == nullptr) return;
  std::lock_guard lock(mutex_);
  retired_.push_back(std::move(memory));
  wake_.notify_all();
}

void Device::perform(const std::function<void()>& work) {
  if (lost_by_.empty()) {
    try {
      return work();
    } catch (const std::exception& error) {
      if (backend_->recover()) throw;
      lost_by_ = error.what();
    }
  }
  throw Error(ErrorCode::kInternal,
              "the device has failed and this process can compute nothing on it any more: " + lost_by_);
}

std::byte* Device::reserve_arena(size_t bytes, const std::string& purpose) {
  if (arena_ == nullptr || bytes > arena_->size()) {
    arena_.reset();  // give back the old one before asking for more
    arena_ = backend_->allocate(bytes, purpose);
  }
  return arena_->data();
}

void Device::loop() {
  backend_->enter_thread();
  for (;;) {
    std::function<void()> job;
    std::vector<std::unique_ptr<Memory>> retired;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return closing_ || !jobs_.empty() || !retired_.empty(); });
      retired.swap(retired_);
      if (!jobs_.empty()) {
        job = std::move(jobs_.front());
        jobs_.pop_front();
      } else if (closing_) {
        return;
      }
    }
    retired.clear();
    if (job) job();
  }
}

}  // namespace senet
