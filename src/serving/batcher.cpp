#include "serving/batcher.h"

#include "base/survive.h"

namespace cloister::serving {

Batcher::Batcher(const BatcherOptions& options, Metrics& metrics, Run run)
    : options_(options), metrics_(metrics), run_(std::move(run)), thread_([this] { work(); }) {}

Batcher::~Batcher() {
  {
    const std::scoped_lock lock(mutex_);
    closing_ = true;
  }
  changed_.notify_all();
  thread_.join();
  for (Job& job : waiting_) job.done(fail(Kind::kUnavailable, "shutting down"));
}

void Batcher::push(Job job) {
  job.queued = Clock::now();
  std::unique_lock lock(mutex_);
  if (closing_) {
    lock.unlock();
    return job.done(fail(Kind::kUnavailable, "shutting down"));
  }
  if (waiting_.size() >= options_.queue_limit) {
    lock.unlock();
    return job.done(
        fail(Kind::kUnavailable, "busy: {} requests are waiting", options_.queue_limit));
  }
  waiting_.push_back(std::move(job));
  metrics_.queue_length(waiting_.size());
  lock.unlock();
  changed_.notify_one();
}

// From the queue's front to its end, so that nobody is overtaken for long: who does not fit this
// batch is the first of the next.
void Batcher::take_fitting(std::vector<Job>& batch, int64_t& items) {
  for (auto job = waiting_.begin(); job != waiting_.end() && items < options_.max_batch;) {
    const bool fits =
        batch.empty() || (items + job->items <= options_.max_batch && fit_together(batch[0], *job));
    if (!fits) {
      ++job;
      continue;
    }
    items += job->items;
    batch.push_back(std::move(*job));
    job = waiting_.erase(job);
  }
  metrics_.queue_length(waiting_.size());
}

std::vector<Job> Batcher::next() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return closing_ || !waiting_.empty(); });
  if (closing_) return {};
  std::vector<Job> batch;
  int64_t items = 0;
  take_fitting(batch, items);
  const auto full_by = Clock::now() + options_.delay;
  while (items < options_.max_batch && !closing_ && Clock::now() < full_by) {
    changed_.wait_until(lock, full_by);
    take_fitting(batch, items);
  }
  return batch;
}

void Batcher::work() {
  bool more = true;
  while (more) {
    (void)survive([&] { more = run_next(); });
  }
}

// Whether there may be another batch.
bool Batcher::run_next() {
  std::vector<Job> batch = next();
  if (batch.empty()) return false;
  const auto now = Clock::now();
  std::vector<Job> in_time;
  size_t items = 0;
  for (Job& job : batch) {
    metrics_.time(Metrics::Stage::kQueue, seconds_between(job.queued, now));
    if (job.deadline <= now) {
      job.done(fail(Kind::kDeadline, "not run within the time allowed"));
      continue;
    }
    items += static_cast<size_t>(job.items);
    in_time.push_back(std::move(job));
  }
  if (in_time.empty()) return true;
  metrics_.batch(items);
  run_(std::move(in_time));
  return true;
}

}  // namespace cloister::serving
