#include "plan/changes.h"

#include <gmock/gmock.h>

#include "tests/plan/synthetic.h"

namespace cloister::plan {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::Each;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using namespace test;

class Changes : public testing::Test {
 protected:
  std::vector<std::string> sentences() {
    const Plan plan = plan_of(profile_, &audit_, policy_);
    std::vector<std::string> out;
    for (const Change& change : plan.changes) out.push_back(change.sentence);
    return out;
  }

  ProfileRecord profile_ = profile_of(3, {device_named("gpu", 10)});
  audit::AuditRecord audit_ = audit_of(profile_, {0.6, 0.37, 0.2});
  PlanPolicy policy_ = test::policy_of();
};

TEST_F(Changes, RaisingTheThreshold) {
  const Plan plan = plan_of(profile_, &audit_, policy_);
  ASSERT_EQ(first_cut(plan.choice()), "c3");
  ASSERT_FALSE(plan.changes.empty());
  for (const Change& change : plan.changes) {
    EXPECT_EQ(change.what, Refusal::kExposed);
    EXPECT_THAT(change.sentence, HasSubstr("raising the limit on leakage (mean SSIM) from 0.30"));
    // What is said comes true.
    const size_t to = change.sentence.find(" to ") + 4;
    PlanPolicy raised = policy_;
    raised.leakage->threshold = std::stod(change.sentence.substr(to));
    const Plan then = plan_of(profile_, &audit_, raised);
    EXPECT_EQ(first_cut(then.choice()), first_cut(plan.candidates[change.candidate]))
        << change.sentence;
    // And not for less.
    raised.leakage->threshold -= 0.02;
    EXPECT_NE(first_cut(plan_of(profile_, &audit_, raised).choice()),
              first_cut(plan.candidates[change.candidate]));
  }
  EXPECT_THAT(sentences(), Contains(HasSubstr("would allow cut c2 on gpu, 1.")));
}

TEST_F(Changes, NothingBetterNothingSaid) {
  audit_ = audit_of(profile_, {0.1, 0.1, 0.1});
  EXPECT_THAT(sentences(), IsEmpty());
}

TEST_F(Changes, LimitsOnCosts) {
  audit_ = audit_of(profile_, {0.1, 0.1, 0.1});
  policy_.objective = Objective::kTrustedMemory;
  policy_.max_latency_ms = 60;
  profile_.cuts[0].bodies[0] = exactly(50);  // c1 is slow, and needs the least memory
  EXPECT_THAT(sentences(), Contains("raising the limit on latency from 60 to 77 ms would allow cut "
                                    "c1 on gpu, 2.0x less trusted memory"));
  policy_.max_latency_ms.reset();
  policy_.min_throughput = 30;
  EXPECT_THAT(sentences(), Contains("lowering the least throughput from 30 to 20 items a second "
                                    "would allow cut c1 on gpu, 4.0x less trusted memory"));
  policy_ = test::policy_of();
  policy_.max_trusted_bytes = 20 << 20;
  EXPECT_THAT(sentences(), Contains("raising the limit on trusted memory from 20.0 MiB to 50.0 MiB "
                                    "would allow cut c2 on gpu, 1.8x faster"));
}

TEST_F(Changes, ResultAndDevices) {
  audit_ = audit_of(profile_, {0.1, 0.1, 0.1});
  policy_.result_may_be_seen = false;
  EXPECT_THAT(sentences(),
              Contains(AllOf(HasSubstr("letting the accelerator see the result would allow cut c1"),
                             HasSubstr("faster"))));
  policy_ = test::policy_of();
  profile_.devices.push_back(device_named("slow", 90));
  for (CutCost& cut : profile_.cuts) cut.bodies.push_back(exactly(70));
  policy_.devices = {"slow"};
  EXPECT_THAT(sentences(), Contains(HasSubstr("allowing device gpu would allow cut c1 on gpu")));
}

TEST_F(Changes, AuditingMore) {
  audit_ = audit_of(profile_, {0.6, std::nullopt, 0.2});
  EXPECT_THAT(
      sentences(),
      Contains(HasSubstr("auditing cut c2 (cloister audit --cuts c2) may allow cut c2 on gpu")));
  // A deeper cut that is exposed leaves no hope.
  audit_ = audit_of(profile_, {std::nullopt, 0.6, 0.2});
  EXPECT_THAT(sentences(), Each(Not(HasSubstr("--cuts"))));
}

TEST_F(Changes, FewerInputsAndMissingAttackers) {
  audit_ = audit_of(profile_, {0.6, 0.2, 0.1}, 300);
  EXPECT_THAT(sentences(), Contains(HasSubstr("accepting 300 held-out inputs instead of 500 "
                                              "(n_min) would allow cut c2 on gpu")));
  audit_ = audit_of(profile_, {0.6, 0.2, 0.1});
  policy_.leakage->attackers.push_back("rmle");
  EXPECT_THAT(sentences(), Contains(HasSubstr("an audit that includes rmle may allow cut c2")));
}

TEST_F(Changes, BestFirstAndFew) {
  profile_ = profile_of(12, {device_named("gpu", 10), device_named("tpu", 5)});
  std::vector<std::optional<double>> means;
  for (int i = 0; i < 12; ++i) means.push_back(0.7 - 0.02 * i);
  audit_ = audit_of(profile_, means);
  const Plan plan = plan_of(profile_, &audit_, policy_);
  EXPECT_FALSE(plan.safe_cut);
  EXPECT_LE(plan.changes.size(), 8u);
  EXPECT_GE(plan.changes.size(), 2u);
  for (size_t i = 1; i < plan.changes.size(); ++i) {
    EXPECT_LE(plan.candidates[plan.changes[i - 1].candidate].latency_ms,
              plan.candidates[plan.changes[i].candidate].latency_ms);
  }
}

}  // namespace
}  // namespace cloister::plan
