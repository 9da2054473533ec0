#include "tee/worker_pool.h"

#include <algorithm>

#include "base/log.h"

namespace cloister::serving {
namespace {

constexpr Seconds kFirstBackoff{0.1};
constexpr Seconds kLastBackoff{1};

Clock::time_point after(Seconds wait) {
  return Clock::now() + std::chrono::duration_cast<Clock::duration>(wait);
}

Seconds until(Clock::time_point time) {
  return time - Clock::now();
}

}  // namespace

struct WorkerPool::Worker {
  size_t number = 0;
  std::string name;
  std::unique_ptr<Link> link;
  bool up = false;
  size_t in_flight = 0;
  Seconds backoff = kFirstBackoff;
  Clock::time_point next_look = {};    // when to probe it again, up or down
  Clock::time_point avoid_until = {};  // others are asked first
};

WorkerPool::WorkerPool(std::vector<PooledWorker> workers, const WorkerPoolOptions& options,
                       Metrics& metrics)
    : options_(options), metrics_(metrics) {
  for (PooledWorker& given : workers) {
    auto worker = std::make_unique<Worker>();
    worker->number = workers_.size();
    worker->name = std::move(given.name);
    worker->link = std::move(given.link);
    metrics_.worker_up(worker->name, false);
    workers_.push_back(std::move(worker));
  }
  watcher_ = std::thread([this] { watch(); });
}

WorkerPool::~WorkerPool() {
  {
    const std::scoped_lock lock(mutex_);
    closing_ = true;
  }
  changed_.notify_all();
  watcher_.join();
}

bool WorkerPool::is_up() const {
  const std::scoped_lock lock(mutex_);
  return std::ranges::any_of(workers_, [](const auto& worker) { return worker->up; });
}

void WorkerPool::quarantine(size_t worker) {
  const std::scoped_lock lock(mutex_);
  set_down(*workers_.at(worker), Fault::kInvalidReply,
           "its result differs from the recomputed one");
}

// The least busy worker that is up and was not tried yet; one that is to be avoided last.
WorkerPool::Worker* WorkerPool::pick(const std::vector<const Worker*>& tried) {
  const auto now = Clock::now();
  const auto rank = [now](const Worker& worker) {
    return std::pair(worker.avoid_until > now, worker.in_flight);
  };
  const std::scoped_lock lock(mutex_);
  Worker* best = nullptr;
  for (const auto& worker : workers_) {
    if (!worker->up || std::ranges::find(tried, worker.get()) != tried.end()) continue;
    if (best == nullptr || rank(*worker) < rank(*best)) best = worker.get();
  }
  if (best != nullptr) ++best->in_flight;
  return best;
}

Result<WorkerPool::Reply> WorkerPool::call(const std::vector<Tensor>& inputs, int64_t items,
                                           Clock::time_point deadline) {
  std::vector<const Worker*> tried;
  std::string why = "no worker is up";
  while (Clock::now() < deadline) {
    Worker* const worker = pick(tried);
    if (worker == nullptr) return fail(Kind::kUnavailable, "{}", why);
    Attempt attempted = attempt(*worker, inputs, items, deadline);
    settle(*worker, attempted);
    if (attempted.fault == Fault::kOurs) return fail(Kind::kUnsupported, "{}", attempted.why);
    if (attempted.fault == Fault::kNone) return Reply{std::move(attempted.outputs), worker->number};
    if (attempted.fault == Fault::kNoTime) break;
    // What a worker says of itself is for the log; clients learn what it means for them.
    why = attempted.fault == Fault::kBusy ? "the worker is busy" : "the worker failed";
    tried.push_back(worker);
  }
  return fail(Kind::kDeadline, "not answered within the time allowed");
}

WorkerPool::Fault WorkerPool::fault_of(Kind kind, bool in_a_hurry) {
  switch (kind) {
    case Kind::kDeadline:
      return in_a_hurry ? Fault::kNoTime : Fault::kStalled;
    case Kind::kRefused:
      return Fault::kBusy;
    case Kind::kInternal:
      return Fault::kFailed;
    case Kind::kInvalid:
      return Fault::kInvalidReply;
    case Kind::kUnsupported:
      return Fault::kOurs;
    default:
      return Fault::kLost;
  }
}

WorkerPool::Attempt WorkerPool::attempt(Worker& worker, const std::vector<Tensor>& inputs,
                                        int64_t items, Clock::time_point deadline) {
  const auto stalled_at = after(options_.answer_limit);
  const auto end = std::min(deadline, stalled_at);
  auto outputs = worker.link->call(inputs, items, until(end));
  if (outputs) return {.outputs = std::move(*outputs)};
  // The client's own haste says nothing about the worker.
  return {.fault = fault_of(outputs.error().kind, end < stalled_at),
          .why = std::move(outputs).error().message};
}

// How a worker is treated after a call.
void WorkerPool::settle(Worker& worker, const Attempt& attempted) {
  const std::scoped_lock lock(mutex_);
  --worker.in_flight;
  switch (attempted.fault) {
    case Fault::kNone:
    case Fault::kOurs:
      return;
    case Fault::kBusy:
      metrics_.worker_failure(worker.name, "busy");
      return;
    case Fault::kNoTime:
    case Fault::kFailed:
      worker.avoid_until = after(options_.answer_limit);
      metrics_.worker_failure(worker.name,
                              attempted.fault == Fault::kFailed ? "failed" : "deadline");
      log(LogLevel::kInfo, "worker did not answer",
          {{"worker", worker.name}, {"why", attempted.why}});
      return;
    case Fault::kLost:
    case Fault::kStalled:
    case Fault::kInvalidReply:
      set_down(worker, attempted.fault, attempted.why);
  }
}

void WorkerPool::set_down(Worker& worker, Fault fault, const std::string& why) {
  const char* const reason = fault == Fault::kInvalidReply ? "invalid_reply"
                             : fault == Fault::kStalled    ? "stalled"
                                                           : "lost";
  const auto next = after(fault == Fault::kInvalidReply ? options_.quarantine : worker.backoff);
  // Never sooner than was said before: a quarantine is sat out.
  worker.next_look = worker.up ? next : std::max(worker.next_look, next);
  worker.up = false;
  worker.backoff = std::min(worker.backoff * 2, kLastBackoff);
  changed_.notify_all();  // the watcher may have to look sooner than it thought
  metrics_.worker_failure(worker.name, reason);
  metrics_.worker_up(worker.name, false);
  log(LogLevel::kWarn, "worker down", {{"worker", worker.name}, {"fault", reason}, {"why", why}});
}

void WorkerPool::set_up(Worker& worker) {
  worker.up = true;
  worker.backoff = kFirstBackoff;
  worker.next_look = after(options_.probe_interval);
  changed_.notify_all();
  metrics_.worker_up(worker.name, true);
  log(LogLevel::kInfo, "worker up", {{"worker", worker.name}});
}

void WorkerPool::note_probe(Worker& worker, const Result<>& answered) {
  if (answered && !worker.up) return set_up(worker);
  if (!answered && worker.up) return set_down(worker, Fault::kLost, answered.error().message);
  worker.next_look = after(answered ? options_.probe_interval : worker.backoff);
  if (answered) return;
  worker.backoff = std::min(worker.backoff * 2, kLastBackoff);
  log(LogLevel::kDebug, "worker not ready",
      {{"worker", worker.name}, {"why", answered.error().message}});
}

void WorkerPool::watch() {
  std::unique_lock lock(mutex_);
  while (!closing_) {
    for (size_t i = 0; i < workers_.size() && !closing_; ++i) {
      Worker& worker = *workers_[i];
      if (Clock::now() < worker.next_look) continue;
      const bool was_up = worker.up;
      const auto look = worker.next_look;
      lock.unlock();
      const Result<> answered = worker.link->probe(options_.probe_limit);
      lock.lock();
      // A call may have found something out meanwhile: that is newer, and stands.
      if (worker.up == was_up && worker.next_look == look) note_probe(worker, answered);
    }
    auto next = after(options_.probe_interval);
    for (const auto& worker : workers_) next = std::min(next, worker->next_look);
    if (!closing_) changed_.wait_until(lock, std::max(next, after(Seconds(0.01))));
  }
}

}  // namespace cloister::serving
