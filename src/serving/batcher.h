#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "serving/batch.h"
#include "serving/metrics.h"

namespace cloister::serving {

struct BatcherOptions {
  size_t queue_limit = 128;            // requests that may wait
  int64_t max_batch = 1;               // items
  std::chrono::microseconds delay{0};  // how long the first of a batch waits for others
};

// A bounded queue of requests, and a thread that runs batches of them. The thread is made at
// start. Jobs that arrive while it works wait for the next batch. Thread-safe.
class Batcher {
 public:
  // Jobs that fit together, of at most max_batch items in all. Must answer each of them.
  using Run = std::function<void(std::vector<Job>)>;

  // `metrics` outlives the batcher.
  Batcher(const BatcherOptions& options, Metrics& metrics, Run run);
  // Answers kUnavailable to those that still wait.
  ~Batcher();
  Batcher(const Batcher&) = delete;
  Batcher& operator=(const Batcher&) = delete;

  // Answers at once, with kUnavailable, when the queue is full; with kDeadline when the job's time
  // comes before its turn.
  void push(Job job);

 private:
  void work();
  bool run_next();
  // Waits for the next batch; empty when closing.
  std::vector<Job> next();
  void take_fitting(std::vector<Job>& batch, int64_t& items);

  const BatcherOptions options_;
  Metrics& metrics_;
  const Run run_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Job> waiting_;
  bool closing_ = false;
  std::thread thread_;  // last: it uses all of the above
};

}  // namespace cloister::serving
