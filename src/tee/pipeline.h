// The trusted side of a split model: its segments in a row, those of workers among them. Nothing
// but what an untrusted segment takes leaves it.
#pragma once

#include <atomic>

#include "serving/batcher.h"
#include "tee/handoff_pool.h"
#include "tee/steps.h"
#include "tee/transform.h"
#include "tee/worker_pool.h"

namespace cloister::serving {

// The loaded segments of a plan, in the order in which they run.
struct PipelineModel {
  TensorSpecs served;  // the whole model; a first dimension of -1 is the batch
  std::vector<LoadedSegment> segments;
};

struct PipelineOptions {
  BatcherOptions batcher;
  int links = 2;                   // batches that workers may have at a time
  double verify_rate = 0;          // share of batches whose untrusted segments are computed again
  double verify_tolerance = 1e-3;  // largest difference, as a share of the largest value
  bool verify_stops = false;       // a mismatch ends the service
};

// Threads are made at start: one that runs what comes before the first worker, `links` that wait
// for workers and run the rest, so that the head of one batch is computed while a worker has
// another. Thread-safe.
class Pipeline {
 public:
  // `workers` and `metrics` outlive it. `workers` has a pool for each untrusted segment, in order;
  // none when all is trusted. kInvalid when the segments don't fit together, kRefused when an
  // untrusted one would take a model's input.
  static Result<std::unique_ptr<Pipeline>> start(PipelineModel model,
                                                 const PipelineOptions& options,
                                                 std::vector<WorkerPool*> workers,
                                                 Metrics& metrics);
  // Answers kUnavailable to whoever still waits.
  ~Pipeline();

  const TensorSpecs& served() const { return model_.served; }
  int64_t max_batch() const { return options_.batcher.max_batch; }

  // Whether a request would be answered now: a worker is up for every segment that needs one, and
  // no mismatch has stopped the service.
  Result<> ready() const;

  // Answers through job.done; job.inputs in the order of served().inputs, counted by count_items.
  void submit(Job job);

 private:
  struct InFlightBatch;
  // What an untrusted segment is asked through.
  struct Offload {
    WorkerPool* workers = nullptr;
    std::unique_ptr<SegmentTransform> transform;
  };

  Pipeline(PipelineModel model, Steps steps, const PipelineOptions& options,
           std::vector<WorkerPool*> workers, Metrics& metrics);
  void begin(std::vector<Job> jobs);
  Result<> run_in_parts(InFlightBatch& batch);
  void finish(InFlightBatch batch, size_t first);
  void finish_alone(InFlightBatch batch, size_t first);
  Result<> run(const Step& step, std::vector<Tensor>& slots) const;
  Result<> offload(const Step& step, InFlightBatch& batch);
  Result<> check_not_empty(const Step& step, const std::vector<Tensor>& results) const;
  Result<std::vector<Tensor>> verified(const Step& step, const std::vector<Tensor>& inputs,
                                       std::vector<Tensor> outputs, size_t worker);
  void answer(InFlightBatch batch, const Result<>& outcome);

  PipelineModel model_;
  const Steps steps_;
  const PipelineOptions options_;
  Metrics& metrics_;
  std::vector<Offload> offloads_;                      // by segment
  std::atomic<bool> stopped_ = false;                  // by a mismatch
  std::unique_ptr<HandoffPool<InFlightBatch>> links_;  // at most as many batches are past begin()
  std::unique_ptr<Batcher> batcher_;                   // last: it feeds all of the above
};

}  // namespace cloister::serving
