// The trusted side of a split model: head, a worker's body, tail. Nothing but what the body takes
// leaves it.
#pragma once

#include <atomic>

#include "serving/batcher.h"
#include "tee/handoff_pool.h"
#include "tee/worker_pool.h"

namespace cloister::serving {

// The loaded segments of a plan.
struct TrustedSegments {
  std::vector<TensorSpec> inputs;  // of the whole model; a first dimension of -1 is the batch
  std::vector<TensorSpec> outputs;
  std::unique_ptr<Program> head;
  std::optional<TensorSpecs> body;   // none: all of it is trusted, and nothing below is there
  std::unique_ptr<Program> tail;     // null: the body gives the result
  std::unique_ptr<Program> checker;  // the body once more, inside; null unless verify_rate > 0
};

struct TrustedOptions {
  BatcherOptions batcher;
  int links = 2;                   // batches that workers may have at a time
  double verify_rate = 0;          // share of batches whose body is computed again inside
  double verify_tolerance = 1e-3;  // largest difference, as a share of the largest value
  bool verify_stops = false;       // a mismatch ends the service
};

// Threads are made at start: one that runs heads, `links` that wait for workers and run tails, so
// that the head of one batch is computed while a worker has another. Thread-safe.
class Trusted {
 public:
  // `remote` and `metrics` outlive it; `remote` is null when all is trusted. kInvalid when the
  // segments don't fit together, kRefused when the body would take a model's input.
  static Result<std::unique_ptr<Trusted>> start(TrustedSegments segments,
                                                const TrustedOptions& options, WorkerPool* remote,
                                                Metrics& metrics);
  // Answers kUnavailable to whoever still waits.
  ~Trusted();

  const std::vector<TensorSpec>& inputs() const { return segments_.inputs; }
  const std::vector<TensorSpec>& outputs() const { return segments_.outputs; }
  int64_t max_batch() const { return options_.batcher.max_batch; }

  // Whether a request would be answered now: a worker is up, if one is needed, and no mismatch has
  // stopped the service.
  Result<> ready() const;

  // Answers through job.done; job.inputs in the order of inputs(), counted by count_items.
  void submit(Job job);

 private:
  struct InFlightBatch;

  Trusted(TrustedSegments segments, const TrustedOptions& options, WorkerPool* remote,
          Metrics& metrics);
  Result<> check() const;
  void run_head(std::vector<Job> jobs);
  Result<> run_in_parts(InFlightBatch& flight);
  void finish(InFlightBatch flight);
  Result<> run_body(InFlightBatch& flight);
  Result<> verify(InFlightBatch& flight, size_t worker);
  void answer(InFlightBatch flight, const Result<>& outcome);

  const TrustedSegments segments_;
  const TrustedOptions options_;
  WorkerPool* const remote_;
  Metrics& metrics_;
  const bool inputs_go_on_;            // to the tail or the result, past head and body
  std::atomic<bool> stopped_ = false;  // by a mismatch
  std::unique_ptr<HandoffPool<InFlightBatch>>
      links_;                         // at most as many batches are between head and answer
  std::unique_ptr<Batcher> batcher_;  // last: it feeds all of the above
};

}  // namespace cloister::serving
