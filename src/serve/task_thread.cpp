#include "serve/task_thread.h"

#include <utility>

namespace cloister::serve {

TaskThread::TaskThread(size_t most, std::chrono::milliseconds period, std::function<void()> tick)
    : most_(most), period_(period), tick_(std::move(tick)), thread_([this] { run(); }) {}

TaskThread::~TaskThread() {
  {
    const std::scoped_lock lock(mutex_);
    ending_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

bool TaskThread::add(Task task) {
  {
    const std::scoped_lock lock(mutex_);
    if (tasks_.size() >= most_) return false;
    tasks_.push_back(std::move(task));
  }
  changed_.notify_one();
  return true;
}

void TaskThread::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    const bool asked = changed_.wait_for(lock, period_, [&] { return ending_ || !tasks_.empty(); });
    if (ending_ && tasks_.empty()) return;
    Task task;
    if (asked) {
      task = std::move(tasks_.front());
      tasks_.pop_front();
    }
    lock.unlock();
    if (asked) {
      task();
    } else {
      tick_();
    }
    task = nullptr;  // what it holds goes before others are kept waiting
    lock.lock();
  }
}

}  // namespace cloister::serve
