// What the page says of a plan.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "report/html.h"
#include "report/plan_view.h"
#include "tests/support/sample_audit.h"
#include "tests/support/sample_plan.h"

namespace cloister::report {
namespace {

using testing::HasSubstr;
using testing::Not;

class PlanPage : public testing::Test {
 protected:
  Records records() const { return {.audit = &audit_, .profile = &profile_, .plan = &plan_}; }
  std::string section() {
    Page page("", "");
    return plan_section(records(), page).html;
  }
  std::string hero() { return plan_hero(records(), ""); }

  audit::AuditRecord audit_ = test::sample_pictures();
  profile::ProfileRecord profile_ = test::sample_profile(audit_, {.described = true});
  plan::Plan plan_ = test::sample_plan(profile_, &audit_);
};

TEST_F(PlanPage, TellsTheChoice) {
  ASSERT_TRUE(plan_.safe_cut);
  const std::string text = hero();
  EXPECT_THAT(text, HasSubstr("<div class=\"hero resisted\">"));
  EXPECT_THAT(
      text, testing::ContainsRegex("<h1>A cut that resisted was found: 1.[0-9]× faster than all"));
  EXPECT_THAT(text, HasSubstr("data-cut=\"c7654ff\""));
  EXPECT_THAT(text, HasSubstr("slower than all untrusted, which hides nothing"));
  EXPECT_THAT(text, HasSubstr("the limit is 0.300"));
  // It runs on the device that nobody measured.
  EXPECT_THAT(text, HasSubstr("<span class=\"tag\">modelled</span>"));
  EXPECT_THAT(text, HasSubstr("a label probe on the same numbers is right for 82 %, 10 %"));
}

TEST_F(PlanPage, TellsWhyThereIsNone) {
  plan_ = test::sample_plan(profile_, nullptr);
  EXPECT_THAT(hero(), HasSubstr("<h1>No cut was audited: keep the whole model trusted</h1>"));
  plan::PlanPolicy policy;
  policy.leakage = audit_.policy;
  policy.leakage->threshold = 0.05;
  plan_ = test::sample_plan(profile_, &audit_, policy);
  EXPECT_THAT(hero(),
              HasSubstr("<h1>No cut resisted at this budget: keep the whole model trusted</h1>"));
  EXPECT_THAT(hero(), HasSubstr("hero exposed"));
  EXPECT_THAT(hero(), HasSubstr(escape(plan_.why, 4000)));
  policy.leakage->threshold = 0.3;
  policy.max_latency_ms = 0.01;
  plan_ = test::sample_plan(profile_, &audit_, policy);
  EXPECT_THAT(
      hero(),
      HasSubstr("<h1>No cut that resisted is good enough: keep the whole model trusted</h1>"));
  plan_.safe_cut = true;
  EXPECT_THAT(hero(),
              HasSubstr("<h1>No cut that resisted does better: keep the whole model trusted</h1>"));
}

TEST_F(PlanPage, ComparesByItsObjective) {
  plan_.policy.objective = plan::Objective::kThroughput;
  EXPECT_THAT(hero(), HasSubstr("× the throughput of all trusted <span class=\"tag\">"));
  plan_.policy.objective = plan::Objective::kTrustedMemory;
  EXPECT_THAT(hero(),
              HasSubstr(" of the trusted memory <span class=\"tag\">interpolated</span></h1>"));
  // Numbers that are none are not compared.
  plan_.policy.objective = plan::Objective::kLatency;
  plan_.candidates[plan_.chosen].latency_ms = std::numeric_limits<double>::quiet_NaN();
  EXPECT_THAT(hero(), HasSubstr("<h1>A cut that resisted was found</h1>"));
  EXPECT_THAT(hero(), Not(HasSubstr("nan")));
}

TEST_F(PlanPage, ListsWhatWasWeighed) {
  const std::string text = section();
  EXPECT_THAT(text, HasSubstr("<th scope=\"row\">all trusted</th>"));
  EXPECT_THAT(text, HasSubstr("<th scope=\"row\">all untrusted"));
  EXPECT_THAT(text, HasSubstr("★ chosen"));
  EXPECT_THAT(text, HasSubstr("<tr class=\"chosen\">"));
  EXPECT_THAT(text, HasSubstr("candidates that others dominate</summary>"));
  EXPECT_THAT(text, HasSubstr("<summary>not audited</summary>"));
  EXPECT_THAT(text, HasSubstr("<summary>the accelerator sees the input</summary>"));
  EXPECT_THAT(text, HasSubstr("<span class=\"tag\">interpolated</span>"));
  EXPECT_THAT(text, HasSubstr(plan_.profile_sha256));
  for (const plan::Change& change : plan_.changes) {
    EXPECT_THAT(text, HasSubstr(escape(change.sentence.substr(1), 1000)));
  }
}

TEST_F(PlanPage, LeavesOutWhatAPageCanNotHold) {
  plan_.candidates.insert(plan_.candidates.end(), 3000, plan_.candidates[4]);
  for (plan::Candidate& c : plan_.candidates) c.pareto = true;
  const std::string text = section();
  EXPECT_THAT(text, HasSubstr("slowest are left out here; plan.json has them"));
  EXPECT_LT(text.size(), 1'000'000U);
}

TEST_F(PlanPage, RanksWhatNothingBeatsFirst) {
  const Ranked ranked = rank(plan_);
  EXPECT_EQ(ranked.first.size() + ranked.rest.size(), plan_.candidates.size());
  EXPECT_THAT(ranked.first, testing::Contains(plan_.chosen));
  for (size_t i = 1; i < ranked.first.size(); ++i) {
    EXPECT_LE(plan_.candidates[ranked.first[i - 1]].latency_ms,
              plan_.candidates[ranked.first[i]].latency_ms);
  }
  for (const size_t i : ranked.rest) EXPECT_FALSE(plan_.candidates[i].pareto);
}

}  // namespace
}  // namespace cloister::report
