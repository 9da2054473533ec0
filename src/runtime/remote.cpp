#include "runtime/remote.h"

#include <algorithm>

#include "base/log.h"
#include "base/random.h"
#include "runtime/remote_call.h"

namespace cloister::runtime {
namespace {

constexpr Seconds kFirstBackoff{0.1};
constexpr Seconds kLastBackoff{5};

Clock::time_point after(Seconds wait) {
  return Clock::now() + std::chrono::duration_cast<Clock::duration>(wait);
}

}  // namespace

struct Remote::Worker {
  size_t number = 0;
  net::Url url;  // of the model
  std::string name;
  bool up = false;
  size_t in_flight = 0;
  Seconds backoff = kFirstBackoff;
  Clock::time_point next_look = {};  // when to probe it again, up or down
  std::vector<std::unique_ptr<net::Connection>> idle;
};

Remote::Remote(RemoteOptions options, RemotePorts ports, Metrics& metrics)
    : options_(std::move(options)), ports_(std::move(ports)), metrics_(metrics) {
  for (const net::Url& url : options_.workers) {
    auto worker = std::make_unique<Worker>();
    worker->number = workers_.size();
    worker->url = url;
    if (url.path.empty() || url.path == "/") worker->url.path = "/v2/models/" + options_.model;
    worker->name = fmt::format("{}:{}", url.host, url.port);
    metrics_.worker_up(worker->name, false);
    workers_.push_back(std::move(worker));
  }
  watcher_ = std::thread([this] { watch(); });
}

Remote::~Remote() {
  {
    const std::scoped_lock lock(mutex_);
    closing_ = true;
  }
  changed_.notify_all();
  watcher_.join();
}

bool Remote::is_up() const {
  const std::scoped_lock lock(mutex_);
  return std::ranges::any_of(workers_, [](const auto& worker) { return worker->up; });
}

bool Remote::wait_up(Seconds limit) const {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, limit, [this] {
    return std::ranges::any_of(workers_, [](const auto& worker) { return worker->up; });
  });
}

void Remote::denounce(size_t worker) {
  mark_down(*workers_.at(worker), Fault::kLied, "its result is not what the model gives");
}

// The least busy worker that is up and was not tried yet.
Remote::Worker* Remote::pick(const std::vector<const Worker*>& tried) {
  const std::scoped_lock lock(mutex_);
  Worker* best = nullptr;
  for (const auto& worker : workers_) {
    if (!worker->up || std::ranges::find(tried, worker.get()) != tried.end()) continue;
    if (best == nullptr || worker->in_flight < best->in_flight) best = worker.get();
  }
  if (best != nullptr) ++best->in_flight;
  return best;
}

Result<Remote::Reply> Remote::call(const std::vector<Tensor>& inputs, int64_t items,
                                   Clock::time_point deadline) {
  std::vector<const Worker*> tried;
  std::string why = "no worker is up";
  while (Worker* const worker = pick(tried)) {
    Attempt attempted = attempt(*worker, inputs, items, deadline);
    {
      const std::scoped_lock lock(mutex_);
      --worker->in_flight;
    }
    if (attempted.fault == Fault::kNone) return Reply{std::move(attempted.outputs), worker->number};
    if (attempted.fault == Fault::kBusy) {
      metrics_.worker_failure(worker->name, "busy");
    } else {
      mark_down(*worker, attempted.fault, attempted.why);
    }
    // What a worker says of itself is for the log; clients learn what it means for them.
    why = attempted.fault == Fault::kBusy ? "the worker is busy" : "the worker failed";
    tried.push_back(worker);
    if (Clock::now() >= deadline) {
      return fail(Kind::kDeadline, "not answered within the time allowed");
    }
  }
  return fail(Kind::kUnavailable, "{}", why);
}

Remote::Attempt Remote::attempt(Worker& worker, const std::vector<Tensor>& inputs, int64_t items,
                                Clock::time_point deadline) {
  const auto number = random_number();
  if (!number) return {.fault = Fault::kLost, .why = number.error().message};
  const RemoteCall call{.target = worker.url.path + "/infer",
                        .id = fmt::format("{:016x}", *number),
                        .ports = ports_,
                        .items = items};
  const auto limit =
      std::min(std::chrono::duration_cast<Seconds>(deadline - Clock::now()), options_.answer_limit);
  // A connection that was idle may have been closed by the other side in the meantime: that says
  // nothing about the worker, so it gets a second chance on a new one.
  for (const bool fresh : {false, true}) {
    std::unique_ptr<net::Connection> connection;
    if (!fresh) {
      const std::scoped_lock lock(mutex_);
      while (!worker.idle.empty() && connection == nullptr) {
        connection = std::move(worker.idle.back());
        worker.idle.pop_back();
        if (!connection->is_open()) connection.reset();
      }
    }
    const bool reused = connection != nullptr;
    if (!reused) {
      auto opened = net::Connection::open(worker.url, options_.client,
                                          std::min(limit, options_.connect_limit));
      if (!opened) return {.fault = Fault::kLost, .why = opened.error().message};
      connection = std::move(*opened);
    }
    auto outputs = exchange(*connection, call, inputs, limit);
    if (outputs) {
      const std::scoped_lock lock(mutex_);
      if (connection->is_open() && worker.up) worker.idle.push_back(std::move(connection));
      return {.outputs = std::move(*outputs)};
    }
    switch (outputs.error().kind) {
      case Kind::kUnavailable:
        if (reused) continue;
        return {.fault = Fault::kLost, .why = outputs.error().message};
      case Kind::kDeadline:
        // The client's own haste says nothing about the worker.
        return {.fault = limit < options_.answer_limit ? Fault::kBusy : Fault::kStalled,
                .why = outputs.error().message};
      case Kind::kRefused:
        return {.fault = Fault::kBusy, .why = outputs.error().message};
      default:
        return {.fault = Fault::kLied, .why = outputs.error().message};
    }
  }
  return {.fault = Fault::kLost, .why = "connection lost"};
}

void Remote::mark_down(Worker& worker, Fault fault, const std::string& why) {
  const char* const reason = fault == Fault::kLied      ? "lied"
                             : fault == Fault::kStalled ? "stalled"
                                                        : "lost";
  std::vector<std::unique_ptr<net::Connection>> closed;
  {
    const std::scoped_lock lock(mutex_);
    worker.up = false;
    // Never sooner than was said before: a quarantine is sat out.
    const auto next = after(fault == Fault::kLied ? options_.quarantine : worker.backoff);
    worker.next_look = std::max(worker.next_look, next);
    worker.backoff = std::min(worker.backoff * 2, kLastBackoff);
    closed.swap(worker.idle);
  }
  metrics_.worker_failure(worker.name, reason);
  metrics_.worker_up(worker.name, false);
  log(LogLevel::kWarn, "worker down", {{"worker", worker.name}, {"fault", reason}, {"why", why}});
}

void Remote::mark_up(Worker& worker) {
  {
    const std::scoped_lock lock(mutex_);
    worker.up = true;
    worker.backoff = kFirstBackoff;
  }
  changed_.notify_all();
  metrics_.worker_up(worker.name, true);
  log(LogLevel::kInfo, "worker up", {{"worker", worker.name}});
}

Result<> Remote::probe(Worker& worker) {
  TRY(connection, net::Connection::open(worker.url, options_.client, options_.connect_limit));
  TRY_OK(check_metadata(*connection, worker.url.path, ports_, options_.connect_limit));
  return check_ready(*connection, worker.url.path, options_.connect_limit);
}

void Remote::watch() {
  std::unique_lock lock(mutex_);
  while (!closing_) {
    for (size_t i = 0; i < workers_.size() && !closing_; ++i) {
      Worker& worker = *workers_[i];
      if (Clock::now() < worker.next_look) continue;
      const bool was_up = worker.up;
      const auto look = worker.next_look;
      lock.unlock();
      const Result<> answered = probe(worker);
      // A call may have found it out meanwhile; its finding is newer and stands.
      lock.lock();
      const bool stands = worker.up == was_up && worker.next_look == look;
      worker.next_look =
          stands ? after(answered ? options_.probe_interval : worker.backoff) : worker.next_look;
      lock.unlock();
      if (stands && answered && !was_up) mark_up(worker);
      if (stands && !answered && was_up) {
        mark_down(worker, Fault::kLost, answered.error().message);
      } else if (stands && !answered) {
        log(LogLevel::kDebug, "worker not ready",
            {{"worker", worker.name}, {"why", answered.error().message}});
      }
      lock.lock();
      if (stands && !answered && !was_up) {
        worker.backoff = std::min(worker.backoff * 2, kLastBackoff);
      }
    }
    auto next = after(options_.probe_interval);
    for (const auto& worker : workers_) next = std::min(next, worker->next_look);
    changed_.wait_until(lock, std::max(next, after(Seconds(0.01))));
  }
}

}  // namespace cloister::runtime
