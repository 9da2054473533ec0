#include "plan/explain.h"

#include <gmock/gmock.h>

#include "tests/plan/synthetic.h"

namespace cloister::plan {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;
using testing::MatchesRegex;
using namespace test;

class Why : public testing::Test {
 protected:
  Plan plan() { return plan_of(profile_, audit_ ? &*audit_ : nullptr, policy_); }

  ProfileRecord profile_ = profile_of(3, {device_named("gpu", 10)});
  std::optional<audit::AuditRecord> audit_ = audit_of(profile_, {0.6, 0.2, 0.1});
  PlanPolicy policy_ = test::policy_of();
};

TEST_F(Why, ACut) {
  EXPECT_THAT(plan().why,
              MatchesRegex("Cut c2 \\(after 50 % of the work\\) on gpu: 1\\.8x faster than all "
                           "trusted, 5\\.1x slower than all untrusted; at this budget its leakage "
                           "\\(mean SSIM\\) was 0\\.2[0-9]+ with an upper bound of 0\\.2[0-9]+, "
                           "within the limit of 0\\.30\\."));
  policy_.objective = Objective::kTrustedMemory;
  EXPECT_THAT(plan().why, HasSubstr("2.0x less trusted memory than all trusted"));
  policy_.objective = Objective::kThroughput;
  EXPECT_THAT(plan().why, HasSubstr("2.0x more throughput than all trusted"));
  policy_.result_may_be_seen = false;
  EXPECT_THAT(plan().why, AllOf(HasSubstr("Cuts c2 and c3 (what is between 50 % and 75 %"),
                                HasSubstr("with a trusted tail")));
}

TEST_F(Why, CuttingOnlyCosts) {
  profile_ = profile_of(3, {device_named("cpu", 100, false)});
  const Plan made = plan();
  EXPECT_TRUE(made.safe_cut);
  EXPECT_EQ(made.chosen, 0u);
  EXPECT_THAT(made.why, HasSubstr("All trusted: 2 of 3 cuts may be served, but none is better: cut "
                                  "c3 on cpu, the best of them, is 1.01x slower than all trusted"));
}

TEST_F(Why, NoCutMayBeServed) {
  audit_ = audit_of(profile_, {0.8, 0.6, 0.5});
  EXPECT_THAT(plan().why,
              AllOf(HasSubstr("All trusted, since no cut may be served: of 3 cuts, 3 exposed."),
                    HasSubstr("The nearest is cut c3: its leakage (mean SSIM) was 0.5"),
                    HasSubstr("above the limit of 0.30.")));
  audit_.reset();
  EXPECT_THAT(plan().why, HasSubstr("of 3 cuts, 3 not audited"));
  policy_.max_trusted_bytes = 1 << 20;
  EXPECT_THAT(plan().why, HasSubstr("all trusted does not meet the policy either: it takes 100.0 "
                                    "MiB of trusted memory, want at most 1.0 MiB."));
  audit_ = audit_of(profile_, {0.8, 0.2, 0.1});
  EXPECT_THAT(plan().why, HasSubstr("1 exposed, 2 resisted but miss the policy's other limits"));
  profile_ = profile_of(3, {});
  EXPECT_THAT(plan().why, HasSubstr("no device"));
}

TEST_F(Why, NeverPromisesMoreThanWasShown) {
  for (const double mean : {0.1, 0.3, 0.6}) {
    audit_ = audit_of(profile_, {0.6, mean, mean});
    EXPECT_THAT(plan_json(plan()), testing::Not(HasSubstr("private")));
  }
}

TEST_F(Why, Notes) {
  profile_.cuts[1].measured = false;
  profile_.devices[0].modelled = true;
  profile_.settings.trusted_limit_bytes = 1 << 20;
  profile_.notes = {"the processor was busy"};
  EXPECT_THAT(plan().notes, AllOf(Contains(HasSubstr("the times on gpu are modelled")),
                                  Contains(HasSubstr("cut c2 was not measured itself")),
                                  Contains(HasSubstr("of different requests overlap")),
                                  Contains(HasSubstr("the profile was made for 1.0 MiB")),
                                  Contains("profile: the processor was busy")));
  EXPECT_THAT(plan().notes, testing::Each(testing::Not(HasSubstr("attacked inputs of"))));
  profile_.input_shape = {1, 3, 224, 224};
  EXPECT_THAT(plan().notes,
              Contains(HasSubstr("attacked inputs of [3,32,32], the profile ran [3,224,224]")));
  audit_->model.sha256 = kOtherDigest;
  EXPECT_THAT(plan().notes, Contains(HasSubstr("the audit is of another model")));
}

}  // namespace
}  // namespace cloister::plan
