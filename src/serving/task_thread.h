#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

namespace cloister::serving {

// One thread that does what it is given, one after the other, and `tick` whenever nothing has come
// for `period`. Thread-safe.
class TaskThread {
 public:
  using Task = std::move_only_function<void()>;
  using Clock = std::chrono::steady_clock;

  explicit TaskThread(
      size_t most, std::chrono::milliseconds period = std::chrono::hours(1),
      std::function<void()> tick = [] {});
  ~TaskThread();  // does what it has, first

  // False, and the task is dropped, when as many wait as may, or it has ended.
  bool add(Task task);

  // Drops what waits, and ends when what is being done is. False where that takes longer than
  // `until`: the thread is left with it, and whatever it uses must be its own. Callable once.
  bool end_by(Clock::time_point until);

 private:
  // Of the thread too, which may outlive this.
  struct Shared {
    size_t most;
    std::chrono::milliseconds period;
    std::function<void()> tick;
    std::mutex mutex;
    std::condition_variable changed;
    std::deque<Task> tasks;
    bool ending = false;
    bool ended = false;
  };

  static void run(Shared& shared);
  static void work(Shared& shared);

  std::shared_ptr<Shared> shared_;
  std::thread thread_;
};

}  // namespace cloister::serving
