#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

namespace cloister::serve {

// One thread that does what it is given, one after the other, and `tick` whenever nothing has come
// for `period`. Thread-safe.
class TaskThread {
 public:
  using Task = std::move_only_function<void()>;

  explicit TaskThread(
      size_t most, std::chrono::milliseconds period = std::chrono::hours(1),
      std::function<void()> tick = [] {});
  ~TaskThread();  // does what it has, first

  // False, and the task is dropped, when as many wait as may.
  bool add(Task task);

 private:
  void run();

  const size_t most_;
  const std::chrono::milliseconds period_;
  const std::function<void()> tick_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Task> tasks_;
  bool ending_ = false;
  std::thread thread_;  // last: it uses the others
};

}  // namespace cloister::serve
