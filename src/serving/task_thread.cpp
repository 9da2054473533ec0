#include "serving/task_thread.h"

#include <utility>

#include "base/survive.h"

namespace cloister::serving {

TaskThread::TaskThread(size_t most, std::chrono::milliseconds period, std::function<void()> tick)
    : shared_(std::make_shared<Shared>()) {
  shared_->most = most;
  shared_->period = period;
  shared_->tick = std::move(tick);
  thread_ = std::thread([shared = shared_] { run(*shared); });
}

TaskThread::~TaskThread() {
  if (!thread_.joinable()) return;
  {
    const std::scoped_lock lock(shared_->mutex);
    shared_->ending = true;
  }
  shared_->changed.notify_all();
  thread_.join();
}

bool TaskThread::add(Task task) {
  {
    const std::scoped_lock lock(shared_->mutex);
    if (shared_->ending || shared_->tasks.size() >= shared_->most) return false;
    shared_->tasks.push_back(std::move(task));
  }
  shared_->changed.notify_one();
  return true;
}

bool TaskThread::end_by(Clock::time_point until) {
  std::deque<Task> dropped;
  std::unique_lock lock(shared_->mutex);
  shared_->ending = true;
  dropped.swap(shared_->tasks);
  shared_->changed.notify_all();
  const bool ended = shared_->changed.wait_until(lock, until, [&] { return shared_->ended; });
  lock.unlock();
  if (ended) {
    thread_.join();
  } else {
    thread_.detach();
  }
  return ended;
}

void TaskThread::run(Shared& shared) {
  work(shared);
  const std::scoped_lock lock(shared.mutex);
  shared.ended = true;
  shared.changed.notify_all();
}

void TaskThread::work(Shared& shared) {
  std::unique_lock lock(shared.mutex);
  while (true) {
    const bool asked = shared.changed.wait_for(
        lock, shared.period, [&] { return shared.ending || !shared.tasks.empty(); });
    if (shared.ending && shared.tasks.empty()) return;
    Task task;
    if (asked) {
      task = std::move(shared.tasks.front());
      shared.tasks.pop_front();
    }
    lock.unlock();
    (void)survive([&] { asked ? task() : shared.tick(); });
    task = nullptr;  // what it holds goes before others are kept waiting
    lock.lock();
  }
}

}  // namespace cloister::serving
