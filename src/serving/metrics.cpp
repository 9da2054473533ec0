#include "serving/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include "base/words.h"

namespace cloister::serving {
namespace {

using prometheus::Family;
using prometheus::Histogram;
using prometheus::Registry;

constexpr const char* kStages[] = {"queue", "head", "link", "tail", "body", "total"};

// Half a millisecond to ten seconds.
Histogram::BucketBoundaries time_buckets() {
  return {0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10};
}

}  // namespace

struct Metrics::Impl {
  Registry registry;
  Family<prometheus::Counter>& requests = prometheus::BuildCounter()
                                              .Name("cloister_requests_total")
                                              .Help("Inference requests, by outcome")
                                              .Register(registry);
  Family<Histogram>& stages = prometheus::BuildHistogram()
                                  .Name("cloister_stage_seconds")
                                  .Help("Seconds that requests spend in each stage")
                                  .Register(registry);
  prometheus::Gauge& queue = prometheus::BuildGauge()
                                 .Name("cloister_queue_requests")
                                 .Help("Requests that wait to be run")
                                 .Register(registry)
                                 .Add({});
  Histogram& batches = prometheus::BuildHistogram()
                           .Name("cloister_batch_items")
                           .Help("Items of each batch that was run")
                           .Register(registry)
                           .Add({}, Histogram::BucketBoundaries{1, 2, 4, 8, 16, 32, 64, 128});
  Family<prometheus::Gauge>& workers = prometheus::BuildGauge()
                                           .Name("cloister_worker_up")
                                           .Help("1: the worker answers as it should")
                                           .Register(registry);
  Family<prometheus::Counter>& failures = prometheus::BuildCounter()
                                              .Name("cloister_worker_failures_total")
                                              .Help("Calls to a worker that failed, by reason")
                                              .Register(registry);
  Family<prometheus::Counter>& checks = prometheus::BuildCounter()
                                            .Name("cloister_checks_total")
                                            .Help("Results of workers computed again inside")
                                            .Register(registry);
  prometheus::Counter& non_finite =
      prometheus::BuildCounter()
          .Name("cloister_non_finite_results_total")
          .Help("Results of workers that hold values that are not finite")
          .Register(registry)
          .Add({});
  Family<prometheus::Counter>& evidence = prometheus::BuildCounter()
                                              .Name("cloister_evidence_total")
                                              .Help("Requests for evidence, by outcome")
                                              .Register(registry);
  Histogram& evidence_times = prometheus::BuildHistogram()
                                  .Name("cloister_evidence_seconds")
                                  .Help("Seconds that the source of evidence takes")
                                  .Register(registry)
                                  .Add({}, time_buckets());
  std::vector<Histogram*> times;  // by stage
};

Metrics::Metrics() : impl_(std::make_unique<Impl>()) {
  for (const char* stage : kStages) {
    impl_->times.push_back(&impl_->stages.Add({{"stage", stage}}, time_buckets()));
  }
}

Metrics::~Metrics() = default;

void Metrics::request(const std::string& outcome) {
  impl_->requests.Add({{"outcome", outcome}}).Increment();
}

void Metrics::time(Stage stage, double seconds) {
  impl_->times[static_cast<size_t>(stage)]->Observe(seconds);
}

Metrics::Timed Metrics::timed(Stage stage) const {
  const auto seen = impl_->times[static_cast<size_t>(stage)]->Collect().histogram;
  return {seen.sample_count, seen.sample_sum};
}

void Metrics::queue_length(size_t requests) {
  impl_->queue.Set(static_cast<double>(requests));
}

void Metrics::batch(size_t items) {
  impl_->batches.Observe(static_cast<double>(items));
}

uint64_t Metrics::batches() const {
  return impl_->batches.Collect().histogram.sample_count;
}

void Metrics::worker_up(const std::string& worker, bool up) {
  impl_->workers.Add({{"worker", worker}}).Set(up ? 1 : 0);
}

void Metrics::forget_worker(const std::string& worker) {
  impl_->workers.Remove(&impl_->workers.Add({{"worker", worker}}));
}

void Metrics::worker_failure(const std::string& worker, const std::string& why) {
  impl_->failures.Add({{"worker", worker}, {"reason", why}}).Increment();
}

void Metrics::checked(bool matched) {
  impl_->checks.Add({{"result", matched ? "match" : "mismatch"}}).Increment();
}

void Metrics::non_finite() {
  impl_->non_finite.Increment();
}

void Metrics::evidence(const std::string& outcome) {
  impl_->evidence.Add({{"outcome", outcome}}).Increment();
}

void Metrics::evidence_time(double seconds) {
  impl_->evidence_times.Observe(seconds);
}

std::string Metrics::text() const {
  return prometheus::TextSerializer().Serialize(impl_->registry.Collect());
}

std::string outcome_word(Kind kind) {
  static constexpr Word<Kind> kWords[] = {{Kind::kInvalid, "invalid"},
                                          {Kind::kUsage, "usage"},
                                          {Kind::kNotFound, "not_found"},
                                          {Kind::kUnsupported, "unsupported"},
                                          {Kind::kIo, "io"},
                                          {Kind::kRefused, "refused"},
                                          {Kind::kUnavailable, "unavailable"},
                                          {Kind::kDeadline, "deadline"},
                                          {Kind::kInternal, "internal"}};
  return std::string(word_of(kWords, kind));
}

}  // namespace cloister::serving
