#include "plan/policy.h"

#include <gmock/gmock.h>

#include <limits>

namespace cloister::plan {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string with(const std::string& fields) {
  return R"({"schema": "cloister/plan-policy/1")" + (fields.empty() ? "" : ", " + fields) + "}";
}

TEST(PlanPolicy, WhatIsLeftOutKeepsItsDefault) {
  const auto policy = parse_policy(with(""));
  ASSERT_TRUE(policy) << policy.error().message;
  EXPECT_FALSE(policy->leakage);
  EXPECT_EQ(policy->objective, Objective::kLatency);
  EXPECT_TRUE(policy->result_may_be_seen);
  EXPECT_TRUE(policy->devices.empty());

  const auto limits = parse_policy(
      with(R"("objective": "trusted_memory", "max_trusted_bytes": 67108864, "devices": ["gpu"])"));
  ASSERT_TRUE(limits) << limits.error().message;
  EXPECT_EQ(limits->objective, Objective::kTrustedMemory);
  EXPECT_EQ(limits->max_trusted_bytes, 67108864u);
  EXPECT_THAT(limits->devices, ElementsAre("gpu"));
}

TEST(PlanPolicy, LeakageBeginsWithTheDefaultsOfItsMetric) {
  const auto rows =
      parse_policy(with(R"("leakage": {"n_min": 100, "metric": "row_match_advantage"})"));
  ASSERT_TRUE(rows) << rows.error().message;
  const audit::Policy want = audit::default_policy(audit::Metric::kRowMatchAdvantage);
  EXPECT_EQ(rows->leakage->threshold, want.threshold);
  EXPECT_EQ(rows->leakage->positive_control, want.positive_control);
  EXPECT_EQ(rows->leakage->attackers, want.attackers);
  EXPECT_EQ(rows->leakage->n_min, 100u);

  const auto ssim = parse_policy(with(R"("leakage": {"attackers": ["rmle"]})"));
  ASSERT_TRUE(ssim) << ssim.error().message;
  EXPECT_EQ(ssim->leakage->metric, audit::Metric::kSsim);
  EXPECT_THAT(ssim->leakage->attackers, ElementsAre("rmle"));
}

TEST(PlanPolicy, IsWrittenInFull) {
  PlanPolicy policy;
  policy.objective = Objective::kThroughput;
  policy.max_latency_ms = 12.5;
  policy.min_throughput = 80;
  policy.result_may_be_seen = false;
  policy.devices = {"gpu", "cpu"};
  const std::string text = policy_json(policy, audit::Metric::kPsnrDb);
  EXPECT_THAT(text, HasSubstr(R"("metric": "psnr_db")"));
  const auto again = parse_policy(text);
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(policy_json(*again), text);
  EXPECT_EQ(again->leakage->threshold, audit::default_policy(audit::Metric::kPsnrDb).threshold);
}

TEST(PlanPolicy, WrongFilesNameTheKey) {
  const auto wrong = [](const std::string& json, const std::string& part) {
    const auto parsed = parse_policy(json);
    ASSERT_FALSE(parsed) << json;
    EXPECT_THAT(parsed.error().message, HasSubstr(part)) << json;
  };
  wrong("", "plan policy: ");
  wrong("[]", "plan policy: ");
  wrong("{}", "no key 'schema'");
  wrong(R"({"schema": "cloister/plan-policy/2"})", "'cloister/plan-policy/2'");
  EXPECT_EQ(parse_policy(R"({"schema": "cloister/plan-policy/2"})").error().kind,
            cloister::Kind::kUnsupported);
  wrong(with(R"("max_latency": 3)"), "unknown key 'max_latency'");
  wrong(with(R"("max_latency_ms": -1)"), "max_latency_ms: -1");
  wrong(with(R"("max_latency_ms": "3")"), "max_latency_ms: \"3\"");
  wrong(with(R"("min_throughput": 1e300)"), "min_throughput: 1e+300");
  wrong(with(R"("max_trusted_bytes": 0.5)"), "max_trusted_bytes: 0.5");
  wrong(with(R"("objective": "speed")"), "objective 'speed', want latency, throughput");
  wrong(with(R"("devices": ["a", "a"])"), "devices: 'a' occurs twice");
  wrong(with(R"("devices": [""])"), "devices[0]");
  wrong(with(R"("leakage": [])"), "leakage: an array");
  wrong(with(R"("leakage": {"limit": 1})"), "unknown key 'limit'");
  wrong(with(R"("leakage": {"metric": 3})"), "leakage.metric: 3");
  wrong(with(R"("leakage": {"metric": "lpips"})"), "metric 'lpips', want ssim");
  wrong(with(R"("leakage": {"threshold": 1.5})"), "threshold is 1.5");
  wrong(with(R"("leakage": {"confidence": 0.4})"), "confidence is 0.4");
  wrong(with(R"("leakage": {"attackers": []})"), "no attackers");
  wrong(with(R"("leakage": {"resamples": 0})"), "leakage.resamples: 0");
}

TEST(PlanPolicy, NumbersThatAreNone) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  PlanPolicy policy;
  policy.max_latency_ms = nan;
  EXPECT_THAT(check_policy(policy).error().message, HasSubstr("max_latency_ms: nan"));
  policy = {};
  policy.min_throughput = -1;
  EXPECT_THAT(check_policy(policy).error().message, HasSubstr("min_throughput: -1"));
  policy = {};
  policy.leakage = audit::Policy{};
  policy.leakage->threshold = nan;
  EXPECT_THAT(check_policy(policy).error().message, HasSubstr("threshold is nan"));
}

}  // namespace
}  // namespace cloister::plan
