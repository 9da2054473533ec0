#include "serving/statistics.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace cloister::serving {
namespace {

using nlohmann::json;

TEST(Statistics, CountRequestsAndTakeTimesFromMetrics) {
  Metrics metrics;
  Statistics statistics;
  statistics.add(4, std::chrono::milliseconds(30));
  statistics.add(1, std::chrono::milliseconds(10));
  statistics.add(0, std::chrono::milliseconds(5));
  metrics.batch(5);
  metrics.time(Metrics::Stage::kQueue, 0.001);
  metrics.time(Metrics::Stage::kQueue, 0.002);
  metrics.time(Metrics::Stage::kHead, 0.25);
  metrics.time(Metrics::Stage::kLink, 0.5);
  metrics.time(Metrics::Stage::kTail, 0.125);
  metrics.time(Metrics::Stage::kTotal, 100);
  const json all = json::parse(statistics.json("net", "7", metrics));
  const json& one = all.at("model_stats").at(0);
  EXPECT_EQ(one["name"], "net");
  EXPECT_EQ(one["version"], "7");
  EXPECT_EQ(one["inference_count"], 5);
  EXPECT_EQ(one["execution_count"], 1);
  const json& durations = one["inference_stats"];
  const auto expect = [&](const char* name, uint64_t count, uint64_t ns) {
    EXPECT_EQ(durations[name], json({{"count", count}, {"ns", ns}})) << name;
  };
  expect("success", 2, 40'000'000);
  expect("fail", 1, 5'000'000);
  expect("queue", 2, 3'000'000);
  expect("compute_infer", 1, 875'000'000);
  expect("compute_input", 0, 0);
  expect("compute_output", 0, 0);
}

TEST(Statistics, OfAWorkerHaveItsBody) {
  Metrics metrics;
  metrics.batch(1);
  metrics.time(Metrics::Stage::kBody, 0.5);
  const json all = json::parse(Statistics().json("net", "1", metrics));
  EXPECT_EQ(all["model_stats"][0]["inference_stats"]["compute_infer"]["ns"], 500'000'000);
}

}  // namespace
}  // namespace cloister::serving
