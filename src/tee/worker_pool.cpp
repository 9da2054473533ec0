#include "tee/worker_pool.h"

#include <algorithm>

#include "base/log.h"
#include "base/survive.h"

namespace cloister::serving {
namespace {

constexpr Seconds kFirstBackoff{0.1};
constexpr Seconds kLastBackoff{1};
// What a request took with it at one worker it may take at one more: whether that worker was killed
// or the request kills can't be told. Not at all of them.
constexpr size_t kMostFailures = 2;

Clock::time_point after(Seconds wait) {
  return Clock::now() + std::chrono::duration_cast<Clock::duration>(wait);
}

std::unexpected<Error> out_of_memory() {
  return fail(Kind::kIo, "out of memory");
}

// Of a trouble that no worker has, as clients see it.
Error our_own(const Error& error) {
  if (error.kind == Kind::kUnsupported) return error;
  log(LogLevel::kWarn, "no worker could be asked", {{"why", error.message}});
  return {Kind::kUnavailable, "no room for the request now"};
}

Seconds until(Clock::time_point time) {
  return time - Clock::now();
}

}  // namespace

struct WorkerPool::Worker {
  size_t number = 0;
  std::string name;
  std::string url;
  std::unique_ptr<Link> link;
  bool left_out = false;  // no longer one of the pool's
  bool up = false;
  size_t in_flight = 0;
  std::string why;       // it is not up; logged where that changes
  bool refuses = false;  // all requests
  Seconds backoff = kFirstBackoff;
  Clock::time_point next_look = {};    // when to probe it again, up or down
  Clock::time_point avoid_until = {};  // others are asked first
  Seconds avoid_next{0};               // for how long after its next failure
};

WorkerPool::WorkerPool(std::vector<PooledWorker> workers, const WorkerPoolOptions& options,
                       Metrics& metrics)
    : options_(options), metrics_(metrics) {
  for (PooledWorker& given : workers) workers_.push_back(adopt(std::move(given)));
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

std::shared_ptr<WorkerPool::Worker> WorkerPool::adopt(PooledWorker given) {
  auto worker = std::make_shared<Worker>();
  worker->number = made_++;
  worker->name = std::move(given.name);
  worker->url = std::move(given.url);
  worker->link = std::move(given.link);
  worker->avoid_next = options_.answer_limit;
  metrics_.worker_up(worker->name, false);
  return worker;
}

void WorkerPool::replace(std::vector<PooledWorker> workers) {
  const std::scoped_lock lock(mutex_);
  const auto before = std::exchange(workers_, {});
  for (const auto& old : before) old->left_out = true;
  for (const auto& old : before) {
    const bool stays = std::ranges::any_of(workers, [&](const PooledWorker& given) {
      return given.name == old->name && given.url == old->url;
    });
    if (stays) continue;
    metrics_.forget_worker(old->name);
    log(LogLevel::kInfo, "worker removed", {{"worker", old->name}});
  }
  for (PooledWorker& given : workers) {
    const auto old = std::ranges::find_if(before, [&](const auto& one) {
      return one->left_out && one->name == given.name && one->url == given.url;
    });
    if (old != before.end()) {
      (*old)->left_out = false;
      workers_.push_back(*old);
      continue;
    }
    log(LogLevel::kInfo, "worker added", {{"worker", given.name}});
    workers_.push_back(adopt(std::move(given)));
  }
  changed_.notify_all();
}

Result<> WorkerPool::ready() const {
  const std::scoped_lock lock(mutex_);
  if (std::ranges::any_of(workers_, [](const auto& worker) { return worker->up; })) return {};
  const bool refused = std::ranges::any_of(workers_, [](const auto& w) { return w->refuses; });
  return fail(Kind::kUnavailable, "no worker is up{}",
              refused ? ": one refuses all inference requests" : "");
}

void WorkerPool::quarantine(size_t worker) {
  const std::scoped_lock lock(mutex_);
  const auto found =
      std::ranges::find_if(workers_, [worker](const auto& one) { return one->number == worker; });
  if (found == workers_.end()) return;
  set_down(**found, Fault::kInvalidReply, "its result differs from the recomputed one");
}

// The least busy worker that is up and was not tried yet; one that is to be avoided last.
std::shared_ptr<WorkerPool::Worker> WorkerPool::pick(
    const std::vector<std::shared_ptr<Worker>>& tried) {
  const auto now = Clock::now();
  const auto rank = [now](const Worker& worker) {
    return std::pair(worker.avoid_until > now, worker.in_flight);
  };
  const std::scoped_lock lock(mutex_);
  std::shared_ptr<Worker> best;
  for (const auto& worker : workers_) {
    if (!worker->up || std::ranges::find(tried, worker) != tried.end()) continue;
    if (best == nullptr || rank(*worker) < rank(*best)) best = worker;
  }
  if (best != nullptr) ++best->in_flight;
  return best;
}

Result<WorkerPool::Reply> WorkerPool::call(const std::vector<Tensor>& inputs, int64_t items,
                                           Clock::time_point deadline) {
  std::vector<std::shared_ptr<Worker>> tried;
  size_t failures = 0;
  std::string why = "no worker is up";
  while (Clock::now() < deadline) {
    const auto worker = failures < kMostFailures ? pick(tried) : nullptr;
    if (worker == nullptr) return fail(Kind::kUnavailable, "{}", why);
    Attempt attempted = attempt(*worker, inputs, items, deadline);
    settle(*worker, attempted);
    if (attempted.fault == Fault::kOurs) return std::unexpected(our_own(attempted.why));
    if (attempted.fault == Fault::kNone) return Reply{std::move(attempted.outputs), worker->number};
    if (attempted.fault == Fault::kNoTime) break;
    // What a worker says of itself is for the log; clients learn what it means for them.
    const bool busy = attempted.fault == Fault::kBusy;
    why = busy ? "the worker is busy" : "the worker failed";
    if (!busy) ++failures;
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
    case Kind::kIo:
      return Fault::kOurs;
    default:
      return Fault::kLost;
  }
}

WorkerPool::Attempt WorkerPool::attempt(Worker& worker, const std::vector<Tensor>& inputs,
                                        int64_t items, Clock::time_point deadline) {
  const auto stalled_at = after(options_.answer_limit);
  const auto end = std::min(deadline, stalled_at);
  Result<std::vector<Tensor>> outputs = out_of_memory();
  (void)survive([&] { outputs = worker.link->call(inputs, items, until(end)); });
  if (outputs) return {.outputs = std::move(*outputs)};
  // The client's own haste says nothing about the worker.
  return {.fault = fault_of(outputs.error().kind, end < stalled_at),
          .why = std::move(outputs).error()};
}

// How a worker is treated after a call.
void WorkerPool::settle(Worker& worker, const Attempt& attempted) {
  const std::scoped_lock lock(mutex_);
  --worker.in_flight;
  if (worker.left_out) return;
  switch (attempted.fault) {
    case Fault::kNone:
      worker.avoid_next = options_.answer_limit;
      return;
    case Fault::kOurs:
      return;
    case Fault::kBusy:
      metrics_.worker_failure(worker.name, "busy");
      return;
    case Fault::kNoTime:
    case Fault::kFailed:
      avoid(worker);
      metrics_.worker_failure(worker.name,
                              attempted.fault == Fault::kFailed ? "failed" : "deadline");
      log(LogLevel::kInfo, "worker did not answer",
          {{"worker", worker.name}, {"why", attempted.why.message}});
      return;
    case Fault::kStalled:
      avoid(worker);  // also when it is up again, which a probe's answer is enough for
      [[fallthrough]];
    case Fault::kLost:
    case Fault::kInvalidReply:
      set_down(worker, attempted.fault, attempted.why.message);
  }
}

// Others are asked first, for longer with each failure until an inference succeeds.
void WorkerPool::avoid(Worker& worker) const {
  worker.avoid_until = after(worker.avoid_next);
  worker.avoid_next =
      std::min(worker.avoid_next * 2, std::max(options_.quarantine, options_.answer_limit));
}

void WorkerPool::set_down(Worker& worker, Fault fault, const std::string& why) {
  const char* const reason = fault == Fault::kInvalidReply ? "invalid_reply"
                             : fault == Fault::kStalled    ? "stalled"
                                                           : "lost";
  const auto next = after(fault == Fault::kInvalidReply ? options_.quarantine : worker.backoff);
  // Never sooner than was said before: a quarantine is sat out.
  worker.next_look = worker.up ? next : std::max(worker.next_look, next);
  worker.up = false;
  worker.why = why;
  worker.backoff = std::min(worker.backoff * 2, kLastBackoff);
  changed_.notify_all();  // the watcher may have to look sooner than it thought
  metrics_.worker_failure(worker.name, reason);
  metrics_.worker_up(worker.name, false);
  log(LogLevel::kWarn, "worker down", {{"worker", worker.name}, {"fault", reason}, {"why", why}});
}

void WorkerPool::set_up(Worker& worker) {
  worker.up = true;
  worker.refuses = false;
  worker.why.clear();
  worker.backoff = kFirstBackoff;
  worker.next_look = after(options_.probe_interval);
  changed_.notify_all();
  metrics_.worker_up(worker.name, true);
  log(LogLevel::kInfo, "worker up", {{"worker", worker.name}});
}

void WorkerPool::note_probe(Worker& worker, const Result<>& answered) {
  if (answered && !worker.up) return set_up(worker);
  if (!answered && answered.error().kind == Kind::kIo) {  // says nothing of the worker
    worker.next_look = after(options_.probe_interval);
    return;
  }
  if (!answered && worker.up) return set_down(worker, Fault::kLost, answered.error().message);
  worker.next_look = after(answered ? options_.probe_interval : worker.backoff);
  if (answered) return;
  worker.backoff = std::min(worker.backoff * 2, kLastBackoff);
  const auto& [kind, why] = answered.error();
  if (std::exchange(worker.why, why) == why) return;
  worker.refuses = kind == Kind::kRefused;
  if (worker.refuses) metrics_.worker_failure(worker.name, "refuses");
  log(LogLevel::kWarn, "worker not ready", {{"worker", worker.name}, {"why", why}});
}

void WorkerPool::look_at(Worker& worker, std::unique_lock<std::mutex>& lock) {
  const bool was_up = worker.up;
  const auto look = worker.next_look;
  lock.unlock();
  Result<> answered = out_of_memory();
  (void)survive([&] { answered = worker.link->probe(options_.probe_limit); });
  lock.lock();
  // A call may have found something out meanwhile: that is newer, and stands.
  const bool newer = worker.up != was_up || worker.next_look != look;
  if (!newer && !worker.left_out) note_probe(worker, answered);
}

void WorkerPool::watch() {
  std::unique_lock lock(mutex_);
  while (!closing_) {
    const auto workers = workers_;  // which may be replaced while one is asked
    for (const auto& worker : workers) {
      if (closing_) return;
      if (!worker->left_out && Clock::now() >= worker->next_look) look_at(*worker, lock);
    }
    auto next = after(options_.probe_interval);
    for (const auto& worker : workers_) next = std::min(next, worker->next_look);
    if (!closing_) changed_.wait_until(lock, std::max(next, after(Seconds(0.01))));
  }
}

}  // namespace cloister::serving
