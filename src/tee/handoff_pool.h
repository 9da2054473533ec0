#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "base/survive.h"

namespace cloister::serving {

// Threads, made at start, that each take one thing at a time. The caller that hands over waits
// until one of them is free, so that nothing queues up here.
template <typename Thing>
class HandoffPool {
 public:
  HandoffPool(int count, std::function<void(Thing)> work) : work_(std::move(work)) {
    for (int i = 0; i < count; ++i) threads_.emplace_back([this] { loop(); });
  }
  // Finishes what was handed over.
  ~HandoffPool() {
    {
      const std::scoped_lock lock(mutex_);
      closing_ = true;
    }
    given_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }
  HandoffPool(const HandoffPool&) = delete;
  HandoffPool& operator=(const HandoffPool&) = delete;

  // To be called by one thread. Wakes no more than one.
  void hand_over(Thing thing) {
    std::unique_lock lock(mutex_);
    taken_.wait(lock, [this] { return !next_; });
    next_.emplace(std::move(thing));
    lock.unlock();
    given_.notify_one();
  }

 private:
  void loop() {
    while (true) {
      std::unique_lock lock(mutex_);
      given_.wait(lock, [this] { return next_ || closing_; });
      if (!next_) return;
      Thing thing = std::move(*next_);
      next_.reset();
      lock.unlock();
      taken_.notify_one();
      (void)survive([&] { work_(std::move(thing)); });
    }
  }

  const std::function<void(Thing)> work_;
  std::mutex mutex_;
  std::condition_variable given_;
  std::condition_variable taken_;
  std::optional<Thing> next_;
  bool closing_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace cloister::serving
