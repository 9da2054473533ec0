// The untrusted side, as the trusted side sees it: workers, each behind a link, of which nothing is
// believed.
#pragma once

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "link/link.h"
#include "serving/batch.h"
#include "serving/metrics.h"

namespace cloister::serving {

struct WorkerPoolOptions {
  Seconds answer_limit{5};    // a worker that takes longer counts as stalled
  Seconds probe_interval{1};  // between looks at whether a worker is alive
  Seconds probe_limit{2};     // for each step of such a look
  Seconds quarantine{60};     // how long a worker whose reply was invalid is not asked again
};

// Plain data. All links of a pool have the same specs.
struct PooledWorker {
  std::string name;  // for logs and metrics: "10.0.0.1:8000"
  std::unique_ptr<Link> link;
  std::string url = {};  // all of where it is
};

// Which worker is asked, who is to blame, and who is asked next. Thread-safe.
class WorkerPool {
 public:
  // `metrics` outlives it. Returns at once; workers come up in the background.
  WorkerPool(std::vector<PooledWorker> workers, const WorkerPoolOptions& options, Metrics& metrics);
  ~WorkerPool();
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  struct Reply {
    std::vector<Tensor> outputs;  // in spec order; types, shapes, sizes and id were checked
    size_t worker = 0;            // its number, which no other worker ever has
  };
  // Runs `inputs` (in spec order) on a worker; on one other if that fails, and on others while they
  // say that they are busy. `items` is the dimension that the outputs' batches must have; 0: any.
  // kUnavailable when no worker is left that answers as it should, kDeadline when `deadline` came
  // first; otherwise the inputs can't be sent.
  Result<Reply> call(const std::vector<Tensor>& inputs, int64_t items, Clock::time_point deadline);

  // From now on these are the workers. One that was there already (the same name and url) stays as
  // it is, with its faults; new ones come up in the background. Those left out get no further
  // batch; what they have they may answer.
  void replace(std::vector<PooledWorker> workers);

  // The worker's result turned out to be wrong: it is not asked again for the quarantine's time.
  void quarantine(size_t worker);

  // kUnavailable when no worker is up.
  Result<> ready() const;
  bool is_up() const { return ready().has_value(); }

 private:
  struct Worker;
  // The kind of failure decides how the worker is treated. A worker asked for too much (kNoTime,
  // kBusy) or says that it failed (kFailed) stays up: clients must not be able to take workers away
  // from others by what they ask for.
  enum class Fault { kNone, kOurs, kNoTime, kBusy, kFailed, kLost, kStalled, kInvalidReply };
  struct Attempt {
    Fault fault = Fault::kNone;
    std::vector<Tensor> outputs;
    Error why = {};
  };
  static Fault fault_of(Kind kind, bool in_a_hurry);

  Attempt attempt(Worker& worker, const std::vector<Tensor>& inputs, int64_t items,
                  Clock::time_point deadline);
  // Null: none is left.
  std::shared_ptr<Worker> pick(const std::vector<std::shared_ptr<Worker>>& tried);
  void settle(Worker& worker, const Attempt& attempted);
  // With the lock held.
  std::shared_ptr<Worker> adopt(PooledWorker given);
  void look_at(Worker& worker, std::unique_lock<std::mutex>& lock);
  void avoid(Worker& worker) const;
  void set_down(Worker& worker, Fault fault, const std::string& why);
  void set_up(Worker& worker);
  void note_probe(Worker& worker, const Result<>& answered);
  void watch();

  const WorkerPoolOptions options_;
  Metrics& metrics_;
  std::vector<std::shared_ptr<Worker>> workers_;  // a call or probe may hold one that is left out
  size_t made_ = 0;
  mutable std::mutex mutex_;  // of workers_, all that changes in them, and closing_
  std::condition_variable changed_;
  bool closing_ = false;
  std::thread watcher_;  // last: it uses all of the above
};

}  // namespace cloister::serving
