#include "plan/plan.h"

#include <gmock/gmock.h>

#include <limits>

#include "plan/candidates.h"
#include "tests/plan/synthetic.h"

namespace cloister::plan {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using namespace test;

TEST(MakePlan, TakesTheBestCutThatResisted) {
  const ProfileRecord profile = profile_of(4, {device_named("gpu", 10)});
  const auto audit = audit_of(profile, {0.8, 0.6, 0.2, 0.1});
  const Plan plan = plan_of(profile, &audit, test::policy_of());
  EXPECT_TRUE(plan.safe_cut);
  EXPECT_EQ(first_cut(plan.choice()), "c3");
  EXPECT_EQ(plan.choice().segments.size(), 2U);
  EXPECT_EQ(plan.model_sha256, kModelDigest);
  EXPECT_EQ(plan.audit_sha256, std::string(64, '2'));
  EXPECT_EQ(plan.batch, 1);
}

TEST(MakePlan, ThreeSegmentsWhereTheResultMayNotBeSeen) {
  const ProfileRecord profile = profile_of(4, {device_named("gpu", 10)});
  const auto audit = audit_of(profile, {0.8, 0.2, 0.1, 0.1});
  PlanPolicy policy = test::policy_of();
  policy.result_may_be_seen = false;
  const Plan plan = plan_of(profile, &audit, policy);
  EXPECT_EQ(plan.choice().segments.size(), 3U);
  EXPECT_EQ(first_cut(plan.choice()), "c2");
  EXPECT_EQ(plan.choice().segments.back().begin_cut, "c4");
}

TEST(MakePlan, AllTrustedWhereNothingResisted) {
  const ProfileRecord profile = profile_of(4, {device_named("gpu", 10)});
  const auto audit = audit_of(profile, {0.8, 0.7, 0.6, 0.5});
  for (const audit::AuditRecord* given :
       {&audit, static_cast<const audit::AuditRecord*>(nullptr)}) {
    PlanPolicy policy = test::policy_of();
    policy.max_latency_ms = 1;  // all trusted misses it too, and is what remains
    const Plan plan = plan_of(profile, given, policy);
    EXPECT_FALSE(plan.safe_cut);
    EXPECT_TRUE(is_all_trusted(plan.choice()));
    EXPECT_FALSE(plan.choice().admissible());
  }
}

TEST(MakePlan, FillsInThePolicy) {
  const ProfileRecord profile = profile_of(2, {device_named("gpu", 10)});
  auto audit = audit_of(profile, {0.8, 0.2});
  EXPECT_EQ(plan_of(profile, nullptr, {}).policy.leakage->metric, audit::Metric::kSsim);
  audit.policy = audit::default_policy(audit::Metric::kSsimAdvantage);
  const Plan plan = plan_of(profile, &audit, {});
  EXPECT_EQ(plan.policy.leakage->metric, audit::Metric::kSsimAdvantage);
  EXPECT_EQ(plan.policy.leakage->threshold, 0.1);
}

TEST(MakePlan, WhatDoesNotFitTogetherIsAnError) {
  const ProfileRecord profile = profile_of(2, {device_named("gpu", 10)});
  const auto audit = audit_of(profile, {0.8, 0.2});
  const auto wrong = [&](const ProfileRecord& from, const PlanPolicy& policy,
                         const std::string& part) {
    const auto made = make_plan({&from, &audit, "", ""}, policy, "t");
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().kind, cloister::Kind::kInvalid);
    EXPECT_THAT(made.error().message, HasSubstr(part));
  };
  PlanPolicy policy;
  policy.devices = {"tpu"};
  wrong(profile, policy, "the policy's device 'tpu' is not in the profile, which has gpu");
  policy = {};
  policy.leakage = audit::default_policy(audit::Metric::kRowMatch);
  wrong(profile, policy, "can't be judged by row_match");
  policy.leakage = audit::Policy{};
  policy.leakage->threshold = std::numeric_limits<double>::quiet_NaN();
  wrong(profile, policy, "threshold is nan");
  ProfileRecord broken = profile;
  broken.cuts[1].bodies.clear();
  wrong(broken, {}, "cut 'c2' has 0 bodies");
}

// Made-up audits, profiles and policies: most of them with something wrong in them.
class Drawn {
 public:
  explicit Drawn(unsigned seed) : random_(seed) {
    std::vector<Device> devices;
    for (unsigned d = 0; d < below(4); ++d) {
      devices.push_back(device_named(fmt::format("d{}", d), 1 + 150 * share(), below(2) == 0));
      devices.back().link.latency_ms = 3 * share();
      devices.back().modelled = below(3) == 0;
    }
    profile = profile_of(1 + below(7), devices);
    for (CutCost& cut : profile.cuts) {
      cut.bytes = below(5'000'000);
      cut.head.ms *= 0.5 + share();
      cut.tail.ms *= 0.5 + share();
      for (Timing& body : cut.bodies) body.ms *= 0.5 + share();
      cut.head_memory.peak = below(1 << 27);
      cut.tail_memory.peak = below(1 << 27);
      cut.measured = below(2) == 0;
    }
    if (below(6) == 0) profile.cuts[below(2) % profile.cuts.size()].exposed_by_construction = "x";
    draw_audit();
    draw_policy();
  }

  unsigned below(unsigned count) { return static_cast<unsigned>(random_() % count); }
  double share() { return below(1'000'000) / 1e6; }

  const audit::AuditRecord* evidence() const { return has_audit ? &audit : nullptr; }
  Plan plan() const { return plan_of(profile, evidence(), policy); }

  ProfileRecord profile;
  audit::AuditRecord audit;
  bool has_audit = true;
  PlanPolicy policy;

 private:
  void draw_audit() {
    std::vector<std::optional<double>> means;
    double mean = 0.3 + 0.6 * share();
    for (size_t i = 0; i < profile.cuts.size(); ++i) {
      means.push_back(below(5) == 0 ? std::nullopt : std::optional(mean));
      mean = std::max(0.05, mean * (0.5 + 0.6 * share()));
    }
    audit = audit_of(profile, means, 80 + below(2) * 100, static_cast<unsigned>(random_()));
    for (audit::CutRecord& cut : audit.cuts) {
      if (below(12) == 0) cut.attackers.pop_back();
      if (below(12) == 0) cut.attackers[0].converged = false;
      if (below(20) == 0) cut.data_gain.reset();
    }
    if (below(15) == 0) audit.model.sha256 = kOtherDigest;
    has_audit = below(10) > 0;
  }

  void draw_policy() {
    policy = test::policy_of(0.1 + 0.6 * share());
    policy.leakage->n_min = below(3) * 80;
    if (below(3) == 0) policy.leakage->attackers.pop_back();
    if (below(3) == 0) policy.leakage->metric = audit::Metric::kSsimAdvantage;
    policy.leakage->statistic = below(3) == 0 ? audit::Statistic::kWorst : audit::Statistic::kMean;
    policy.objective = static_cast<Objective>(below(3));
    if (below(3) == 0) policy.max_latency_ms = 150 * share();
    if (below(4) == 0) policy.min_throughput = 20 * share();
    if (below(4) == 0) policy.max_trusted_bytes = below(1 << 27);
    policy.result_may_be_seen = below(3) > 0;
    if (below(5) == 0 && !profile.devices.empty()) policy.devices = {profile.devices[0].name};
  }

  std::mt19937 random_;
};

constexpr unsigned kDrawn = 150;

TEST(MakePlan, EveryRefusalHasItsReason) {
  unsigned cuts = 0;
  for (unsigned seed = 0; seed < kDrawn; ++seed) {
    const Drawn drawn(seed);
    const Plan plan = drawn.plan();
    for (const Candidate& c : plan.candidates) {
      for (const Reason& reason : c.refused) EXPECT_THAT(reason.why, Not(IsEmpty()));
      if (is_all_untrusted(c)) {
        EXPECT_FALSE(c.admissible());
      }
      if (!has_cut(c) || !c.admissible()) continue;
      EXPECT_EQ(c.leakage.outcome, "resisted");
      EXPECT_LE(*c.leakage.upper, drawn.policy.leakage->threshold);
      EXPECT_TRUE(drawn.policy.result_may_be_seen || c.segments.size() == 3);
      EXPECT_LE(c.latency_ms, drawn.policy.max_latency_ms.value_or(1e9));
      EXPECT_GE(c.throughput, drawn.policy.min_throughput.value_or(0));
      EXPECT_LE(c.trusted_bytes, drawn.policy.max_trusted_bytes.value_or(~0ULL));
      ++cuts;
    }
  }
  EXPECT_GT(cuts, kDrawn / 3);  // the draws are not all hopeless
}

TEST(MakePlan, NothingAdmissibleIsBetterThanTheChoice) {
  unsigned chosen = 0;
  unsigned fallbacks = 0;
  for (unsigned seed = 0; seed < kDrawn; ++seed) {
    const Plan plan = Drawn(seed).plan();
    const bool any = std::ranges::any_of(plan.candidates, &Candidate::admissible);
    EXPECT_EQ(plan.choice().admissible(), any) << seed;
    EXPECT_TRUE(any || plan.chosen == 0) << seed;
    for (const Candidate& c : plan.candidates) {
      if (!c.admissible()) continue;
      EXPECT_LE(cost(plan.policy.objective, plan.choice()), cost(plan.policy.objective, c)) << seed;
    }
    for (const Change& change : plan.changes) {
      EXPECT_FALSE(plan.candidates[change.candidate].admissible()) << change.sentence;
    }
    chosen += has_cut(plan.choice()) ? 1 : 0;
    fallbacks += plan.safe_cut ? 0 : 1;
  }
  EXPECT_GT(chosen, kDrawn / 10);
  EXPECT_GT(fallbacks, kDrawn / 10);
}

TEST(MakePlan, IsDeterministicAndReadsBack) {
  for (unsigned seed = 0; seed < kDrawn / 4; ++seed) {
    const Drawn drawn(seed);
    const std::string text = plan_json(drawn.plan());
    EXPECT_EQ(plan_json(drawn.plan()), text) << seed;
    const auto again = parse_plan(text);
    ASSERT_TRUE(again) << seed << ": " << again.error().message;
    EXPECT_EQ(plan_json(*again), text) << seed;
    const auto policy = parse_policy(policy_json(drawn.policy));
    ASSERT_TRUE(policy) << policy.error().message;
    EXPECT_EQ(policy_json(*policy), policy_json(drawn.policy));
  }
}

TEST(MakePlan, TheOrderOfDevicesDoesNotMatter) {
  for (unsigned seed = 0; seed < kDrawn; ++seed) {
    const Drawn drawn(seed);
    ProfileRecord turned = drawn.profile;
    std::ranges::reverse(turned.devices);
    for (CutCost& cut : turned.cuts) std::ranges::reverse(cut.bodies);
    const Plan one = drawn.plan();
    const Plan two = plan_of(turned, drawn.evidence(), drawn.policy);
    EXPECT_EQ(one.why, two.why) << seed;
    EXPECT_EQ(first_cut(one.choice()), first_cut(two.choice())) << seed;
    EXPECT_EQ(one.choice().device, two.choice().device) << seed;
    ASSERT_EQ(one.changes.size(), two.changes.size()) << seed;
    for (size_t i = 0; i < one.changes.size(); ++i) {
      EXPECT_EQ(one.changes[i].sentence, two.changes[i].sentence) << seed;
    }
  }
}

// What a plan gives away, measured by one policy: over the attackers of its cut and of deeper ones.
audit::Leakage leakage_of(const Plan& plan, const audit::AuditRecord& audit,
                          const audit::Policy& policy) {
  constexpr double kNothing = -std::numeric_limits<double>::infinity();
  if (!has_cut(plan.choice())) return {kNothing, {kNothing, kNothing}};
  audit::AuditRecord judged = audit;
  EXPECT_TRUE(audit::judge_record(judged, policy));
  const auto cut = std::ranges::find(judged.cuts, first_cut(plan.choice()), &audit::CutRecord::id);
  return cut->verdict->leakage;
}

// Plans the draw twice, the second time under a policy that `tighten` made stricter, and expects
// that to leak no more. Returns whether the choice is another one.
template <typename Tighten>
bool leaks_no_more(Drawn& drawn, const Tighten& tighten) {
  const Plan loose = drawn.plan();
  const audit::Policy policy = *drawn.policy.leakage;
  tighten(*drawn.policy.leakage, drawn);
  const Plan strict = drawn.plan();
  const audit::Leakage less = leakage_of(strict, drawn.audit, policy);
  const audit::Leakage more = leakage_of(loose, drawn.audit, policy);
  EXPECT_LE(less.value, more.value);
  EXPECT_LE(less.bounds.upper, more.bounds.upper);
  return first_cut(strict.choice()) != first_cut(loose.choice());
}

template <typename Tighten>
void expect_no_more_leakage(const Tighten& tighten) {
  unsigned changed = 0;
  for (unsigned seed = 0; seed < kDrawn; ++seed) {
    SCOPED_TRACE(seed);
    Drawn drawn(seed);
    drawn.policy.leakage->statistic = audit::Statistic::kMean;
    drawn.has_audit = true;
    changed += leaks_no_more(drawn, tighten) ? 1 : 0;
  }
  EXPECT_GT(changed, kDrawn / 50);
}

TEST(StricterPolicy, ALowerThreshold) {
  expect_no_more_leakage(
      [](audit::Policy& policy, Drawn& drawn) { policy.threshold -= 0.3 * drawn.share(); });
}

TEST(StricterPolicy, MoreInputs) {
  expect_no_more_leakage(
      [](audit::Policy& policy, Drawn& drawn) { policy.n_min += drawn.below(200); });
}

TEST(StricterPolicy, MoreAttackers) {
  expect_no_more_leakage([](audit::Policy& policy, Drawn& drawn) {
    policy.attackers = {"cgan", "inverse-net", "retrieval"};
    if (drawn.below(3) == 0) policy.attackers.push_back("rmle");
  });
}

TEST(StricterPolicy, TheWorstInputInsteadOfTheMean) {
  expect_no_more_leakage(
      [](audit::Policy& policy, Drawn&) { policy.statistic = audit::Statistic::kWorst; });
}

// A mean may be above a limit that 95 % of its values are under, so neither is stricter than the
// other; the worst input is stricter than both.
TEST(StricterPolicy, TheWorstInputInsteadOfThe95thPercentile) {
  const auto worst = [](audit::Policy& policy, Drawn&) {
    policy.statistic = audit::Statistic::kWorst;
  };
  unsigned changed = 0;
  for (unsigned seed = 0; seed < kDrawn; ++seed) {
    SCOPED_TRACE(seed);
    Drawn drawn(seed);
    drawn.has_audit = true;
    // So few inputs have no bound of their percentile at the level of many cuts.
    auto& cuts = drawn.audit.cuts;
    if (!cuts.empty()) cuts.erase(cuts.begin(), cuts.end() - 1);
    for (audit::CutRecord& cut : cuts) {
      if (drawn.below(2) == 0) cut.attackers[0].certification.metrics[0].values[7] = 0.95;
    }
    drawn.policy.leakage->threshold = 0.6;
    drawn.policy.leakage->statistic = audit::Statistic::kP95;
    changed += leaks_no_more(drawn, worst) ? 1 : 0;
  }
  EXPECT_GT(changed, 0u);
}

}  // namespace
}  // namespace cloister::plan
