#include "plan/leakage.h"

#include <gmock/gmock.h>

#include "tests/plan/synthetic.h"

namespace cloister::plan {
namespace {

using testing::HasSubstr;
using testing::Not;
using namespace test;

class Leakage : public testing::Test {
 protected:
  std::vector<CutLeakage> of(const audit::AuditRecord* audit) {
    const audit::Policy policy = *test::policy_of().leakage;
    const auto evidence = audit_evidence({&profile_, audit, "", ""}, policy);
    EXPECT_TRUE(evidence) << evidence.error().message;
    const auto known = leakage_of_cuts(profile_, *evidence, policy);
    EXPECT_TRUE(known) << known.error().message;
    return *known;
  }

  ProfileRecord profile_ = profile_of(4, {device_named("gpu", 10)});
};

TEST_F(Leakage, FollowsTheAuditUnderThePolicy) {
  auto audit = audit_of(profile_, {0.8, 0.302, 0.2, 0.1});
  audit.policy.threshold = 0.9;  // what it was judged by does not count
  const auto known = of(&audit);
  EXPECT_EQ(known[0].leakage.outcome, "exposed");
  EXPECT_EQ(known[0].refused->refusal, Refusal::kExposed);
  EXPECT_THAT(known[0].refused->why, HasSubstr("(mean SSIM) was 0.800"));
  EXPECT_THAT(known[0].refused->why, HasSubstr("above the limit of 0.30"));
  EXPECT_EQ(known[1].leakage.outcome, "inconclusive");
  EXPECT_THAT(known[1].refused->why, HasSubstr("inconclusive: the bounds of the leakage"));
  EXPECT_EQ(known[2].leakage.outcome, "resisted");
  EXPECT_FALSE(known[2].refused);
  EXPECT_GT(*known[2].leakage.upper, *known[2].leakage.value);
}

TEST_F(Leakage, WhatIsNotAuditedIsNotSafe) {
  const auto audit = audit_of(profile_, {std::nullopt, 0.2, std::nullopt, 0.1});
  const auto known = of(&audit);
  EXPECT_EQ(known[0].refused->refusal, Refusal::kNotAudited);
  EXPECT_EQ(known[0].refused->why, "the audit leaves this cut out: cloister audit --cuts c1");
  EXPECT_FALSE(known[1].refused);
  EXPECT_EQ(known[2].leakage.outcome, "not audited");
  EXPECT_FALSE(known[2].leakage.upper);
  EXPECT_EQ(known[2].refused->why,
            "the audit leaves this cut out; the shallower cut c2 resisted, so it is worth "
            "auditing: cloister audit --cuts c3");
}

TEST_F(Leakage, BehindAnExposedCutAnAuditIsNoUse) {
  const auto audit = audit_of(profile_, {std::nullopt, 0.7, std::nullopt, std::nullopt});
  const auto known = of(&audit);
  EXPECT_TRUE(known[0].hopeless);
  EXPECT_THAT(known[0].refused->why, HasSubstr("no less than the deeper cut c2"));
  EXPECT_THAT(known[0].refused->why, Not(HasSubstr("--cuts")));
  EXPECT_FALSE(known[2].hopeless);
}

TEST_F(Leakage, NoAuditOrOneOfAnotherModel) {
  for (const CutLeakage& cut : of(nullptr)) {
    EXPECT_EQ(cut.refused->refusal, Refusal::kNotAudited);
    EXPECT_THAT(cut.refused->why, HasSubstr("there is no audit"));
  }
  auto audit = audit_of(profile_, {0.1, 0.1, 0.1, 0.1});
  audit.model.sha256 = kOtherDigest;
  for (const CutLeakage& cut : of(&audit)) {
    EXPECT_EQ(cut.refused->refusal, Refusal::kNotAudited);
    EXPECT_THAT(cut.refused->why, HasSubstr("of another model"));
  }
}

TEST_F(Leakage, ACutThatCarriesTheInputTaintsWhatIsShallower) {
  const auto audit = audit_of(profile_, {0.1, 0.1, 0.1, 0.1});
  profile_.cuts[1].exposed_by_construction = "carries x";
  const auto known = of(&audit);
  EXPECT_EQ(known[0].refused->refusal, Refusal::kInputSeen);
  EXPECT_EQ(known[0].refused->why, "exposed by construction: the deeper cut c2: carries x");
  EXPECT_EQ(known[1].refused->why, "exposed by construction: carries x");
  EXPECT_TRUE(known[1].hopeless);
  EXPECT_FALSE(known[2].refused);
}

TEST_F(Leakage, ABodyThatEndsBeforeTheInputIsUsedDoesNotGetIt) {
  const auto audit = audit_of(profile_, {0.1, 0.1, 0.1, 0.1});
  profile_.cuts[1].exposed_by_construction = "carries input 'scale'";
  profile_.cuts[1].exposed_to = profile_.cuts[2].position;
  const auto known = of(&audit);
  for (const size_t i : {0, 1}) {
    EXPECT_EQ(known[i].exposed_to, profile_.cuts[2].position);
    EXPECT_EQ(known[i].refused->refusal, Refusal::kInputSeen);
    EXPECT_EQ(known[i].refused_unexposed->refusal, Refusal::kNotAudited);
  }
  EXPECT_FALSE(known[2].refused_unexposed);
  // Records of before that field was there.
  profile_.cuts[1].exposed_to.reset();
  EXPECT_EQ(of(&audit)[1].exposed_to, profile_.cuts[1].position);
}

TEST_F(Leakage, TooFewInputsProveNothing) {
  const auto audit = audit_of(profile_, {0.1, 0.1, 0.1, 0.1}, 200);
  const auto known = of(&audit);
  EXPECT_EQ(known[3].refused->refusal, Refusal::kUndecided);
  EXPECT_THAT(known[3].refused->why, HasSubstr("200 held-out inputs were attacked in full"));
}

TEST_F(Leakage, AnAuditInAnotherMetricIsAnError) {
  const auto audit = audit_of(profile_, {0.1, 0.1, 0.1, 0.1});
  const auto evidence =
      audit_evidence({&profile_, &audit, "", ""}, audit::default_policy(audit::Metric::kRowMatch));
  ASSERT_FALSE(evidence);
  EXPECT_EQ(evidence.error().kind, cloister::Kind::kInvalid);
  EXPECT_THAT(evidence.error().message,
              HasSubstr("audit: the record can't be judged by row_match"));
}

}  // namespace
}  // namespace cloister::plan
