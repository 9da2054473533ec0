#include "serving/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace cloister::serving {
namespace {

using testing::HasSubstr;

TEST(Metrics, AreWrittenAsPrometheusReadsThem) {
  Metrics metrics;
  metrics.request("ok");
  metrics.request("ok");
  metrics.request("quota");
  metrics.time(Metrics::Stage::kHead, 0.003);
  metrics.queue_length(7);
  metrics.batch(4);
  metrics.worker_up("gpu-1:8000", true);
  metrics.worker_failure("gpu-1:8000", "lost");
  metrics.checked(false);
  metrics.non_finite();
  metrics.evidence("ok");
  metrics.evidence("quota");
  metrics.evidence_time(0.15);
  const std::string text = metrics.text();
  EXPECT_THAT(text, HasSubstr("cloister_requests_total{outcome=\"ok\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("cloister_requests_total{outcome=\"quota\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("cloister_stage_seconds_bucket{stage=\"head\",le=\"0.002\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("cloister_stage_seconds_bucket{stage=\"head\",le=\"0.005\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("cloister_queue_requests 7\n"));
  EXPECT_THAT(text, HasSubstr("cloister_batch_items_bucket{le=\"4\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("cloister_worker_up{worker=\"gpu-1:8000\"} 1\n"));
  EXPECT_THAT(text,
              HasSubstr("cloister_worker_failures_total{reason=\"lost\",worker=\"gpu-1:8000\"} 1"));
  EXPECT_THAT(text, HasSubstr("cloister_checks_total{result=\"mismatch\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("cloister_non_finite_results_total 1\n"));
  EXPECT_THAT(text, HasSubstr("cloister_evidence_total{outcome=\"ok\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("cloister_evidence_total{outcome=\"quota\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("cloister_evidence_seconds_bucket{le=\"0.1\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("cloister_evidence_seconds_bucket{le=\"0.2\"} 1\n"));
}

TEST(Metrics, EveryKindHasAWordOfItsOwn) {
  std::set<std::string> words;
  for (const Kind kind :
       {Kind::kInvalid, Kind::kUsage, Kind::kNotFound, Kind::kUnsupported, Kind::kIo,
        Kind::kRefused, Kind::kUnavailable, Kind::kDeadline, Kind::kInternal}) {
    EXPECT_TRUE(words.insert(outcome_word(kind)).second);
  }
}

}  // namespace
}  // namespace cloister::serving
