#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "tests/plan/synthetic.h"
#include "tests/support/temp_dir.h"

namespace cloister::plan {
namespace {

using testing::HasSubstr;
using namespace test;
using nlohmann::json;

class PlanRecord : public testing::Test {
 protected:
  PlanRecord() {
    const ProfileRecord profile = profile_of(3, {device_named("gpu", 10)});
    const auto audit = audit_of(profile, {0.6, 0.35, 0.2});
    text_ = plan_json(plan_of(profile, &audit, test::policy_of()));
  }

  void wrong(const std::string& pointer, const json& value, const std::string& part) {
    json changed = json::parse(text_);
    changed[json::json_pointer(pointer)] = value;
    const auto parsed = parse_plan(changed.dump());
    ASSERT_FALSE(parsed) << pointer << " " << value;
    EXPECT_THAT(parsed.error().message, HasSubstr("plan record: ")) << pointer;
    EXPECT_THAT(parsed.error().message, HasSubstr(part)) << pointer;
  }

  std::string text_;
};

TEST_F(PlanRecord, IsReadAsItWasWritten) {
  const auto plan = parse_plan(text_);
  ASSERT_TRUE(plan) << plan.error().message;
  EXPECT_EQ(plan_json(*plan), text_);
  EXPECT_EQ(first_cut(plan->choice()), "c3");
  EXPECT_TRUE(plan->safe_cut);
  EXPECT_EQ(plan->policy.leakage->threshold, 0.3);
  TempDir dir;
  ASSERT_TRUE(write_file(dir / "plan.json", text_));
  EXPECT_TRUE(read_plan(dir / "plan.json"));
  EXPECT_THAT(read_plan(dir / "none.json").error().message, HasSubstr("none.json"));
}

TEST_F(PlanRecord, WithoutAnAudit) {
  const ProfileRecord profile = profile_of(2, {device_named("gpu", 10)});
  const std::string text = plan_json(plan_of(profile, nullptr, PlanPolicy{}));
  EXPECT_THAT(text, HasSubstr("\"audit_sha256\": null"));
  const auto plan = parse_plan(text);
  ASSERT_TRUE(plan) << plan.error().message;
  EXPECT_EQ(plan_json(*plan), text);
}

TEST_F(PlanRecord, WordsReadBack) {
  Refusal refusal = Refusal::kMemory;
  EXPECT_THAT(from_string("x", refusal).error().message,
              HasSubstr("'x', want input_seen, not_audited, exposed"));
}

TEST_F(PlanRecord, WhatIsWrongIsNamed) {
  wrong("/schema", "cloister/plan/3", "cloister/plan/3");
  wrong("/schema", "cloister/plan/1", "candidates[0]: no key 'kind'");
  wrong("/model_sha256", "00", "model_sha256");
  wrong("/audit_sha256", "zz", "audit_sha256");
  wrong("/extra", 1, "unknown key 'extra'");
  wrong("/chosen", 1000, "chosen: 1000, want under");
  wrong("/chosen", -1, "chosen: -1");
  wrong("/chosen", 1, "chosen: 1 is refused");
  wrong("/safe_cut", false, "safe_cut");
  wrong("/policy/leakage", nullptr, "policy: no leakage");
  wrong("/policy/leakage/threshold", 3, "policy: leakage: ");
  wrong("/changes/0/candidate", 999, "changes: candidate 999");
  wrong("/candidates", json::array(), "the first is not all trusted");
  wrong("/candidates/0", json::parse(text_)["candidates"][1], "the first is not all trusted");
  wrong("/candidates/0/segments", json::array(), "candidates[0]: segments: none");
  wrong("/candidates/0/segments/0/placement", "public", "want trusted, untrusted");
  wrong("/candidates/0/segments/0/transform", "magic", "want none");
  wrong("/candidates/0/segments/0/end_cut", "c1", "ends at a cut, and is the last");
  wrong("/candidates/0/device", "gpu", "device 'gpu' of a plan that is all trusted");
  wrong("/candidates/1/refused", json::array(), "candidates[1]: the first segment is untrusted");
  wrong("/candidates/2/latency_ms", -1, "candidates[2].latency_ms: -1");
  wrong("/candidates/2/refused", json::array(), "outcome 'exposed', but it is not refused");
  wrong("/candidates/2/leakage/outcome", "safe", "outcome 'safe'");
  wrong("/candidates/2/segments/1/begin_cut", "c2", "'body' begins at cut 'c2', want 'c1'");
}

TEST_F(PlanRecord, HostileTextIsAnError) {
  for (size_t length = 0; length < text_.size() - 1; length += 37) {
    EXPECT_FALSE(parse_plan(text_.substr(0, length)));
  }
  EXPECT_FALSE(parse_plan(std::string(100, '[')));
  EXPECT_FALSE(parse_plan("null"));
  EXPECT_FALSE(parse_plan("{}"));
}

}  // namespace
}  // namespace cloister::plan
