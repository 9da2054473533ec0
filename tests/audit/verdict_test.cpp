// The verdict rule: each gate by itself, the sentences, and what must hold for any audit.
#include "audit/verdict.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <random>

namespace cloister::audit {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr size_t kInputs = 60;

Policy small_policy() {
  Policy policy;
  policy.n_min = 50;
  policy.n_min_subsample = 10;
  policy.attackers = {"cgan", "inverse-net"};
  policy.resamples = 999;
  return policy;
}

std::vector<double> around(double centre, uint64_t seed, size_t count = kInputs) {
  std::mt19937_64 random(seed);
  std::vector<double> out(count);
  for (double& value : out) value = centre + static_cast<double>(random() % 1000) / 1e4 - 0.05;
  return out;
}

CutScores cut_at(const std::string& name, double leakage, uint64_t seed) {
  CutScores cut;
  cut.cut = name;
  cut.runs = {{"cgan", true, {}, around(leakage - 0.02, seed)},
              {"inverse-net", true, {}, around(leakage, seed + 1)}};
  cut.data_gain = DataGain{leakage - 0.005, leakage};
  cut.label_probe = LabelProbe{0.712, 0.1, kInputs};
  return cut;
}

// Three cuts: the first leaks, the second and third do not.
AuditScores good_audit() {
  AuditScores audit;
  audit.floor = around(0.15, 99);
  audit.positive_controls = {{"cgan", 0.95, 0.15}};
  audit.negative_controls = {{"cgan", 0.16, 0.15}};
  audit.cuts = {cut_at("early", 0.8, 1), cut_at("middle", 0.22, 3), cut_at("late", 0.2, 5)};
  return audit;
}

std::vector<CutVerdict> judged(const Policy& policy, const AuditScores& audit) {
  auto verdicts = judge(policy, audit);
  if (!verdicts) {
    ADD_FAILURE() << verdicts.error().message;
    return std::vector<CutVerdict>(audit.cuts.size());
  }
  return *verdicts;
}

TEST(Verdict, ExposedAndResisted) {
  const auto verdicts = judged(small_policy(), good_audit());
  EXPECT_EQ(verdicts[0].outcome, Outcome::kExposed);
  EXPECT_EQ(verdicts[1].outcome, Outcome::kResisted);
  EXPECT_EQ(verdicts[2].outcome, Outcome::kResisted);
  EXPECT_TRUE(verdicts[2].failed.empty());
  EXPECT_EQ(verdicts[2].n, kInputs);
  EXPECT_EQ(verdicts[0].above, kInputs);
  EXPECT_LE(verdicts[2].leakage.bounds.upper, 0.3);
  EXPECT_GE(verdicts[1].leakage.value, verdicts[1].own);
  EXPECT_THAT(verdicts[0].sentence, StartsWith("at this budget, mean leakage over 60 held-out "
                                               "inputs was 0.8"));
  EXPECT_THAT(verdicts[2].sentence,
              testing::MatchesRegex("at this budget, mean leakage over 60 held-out inputs stayed "
                                    "below 0\\.300 ssim \\(95 % bound 0\\.2[0-9]+, floor "
                                    "0\\.1[0-9]+, 0 of 60 above 0\\.300\\); a label probe reads "
                                    "the class off the same features for 71\\.2 % of 60 inputs "
                                    "\\(10\\.0 % by guessing\\)"));
}

TEST(Verdict, ADeeperCutThatLeaksMoreRaisesAShallowerOne) {
  AuditScores audit = good_audit();
  std::swap(audit.cuts[0].runs, audit.cuts[2].runs);
  const auto verdicts = judged(small_policy(), audit);
  for (const CutVerdict& verdict : verdicts) EXPECT_EQ(verdict.outcome, Outcome::kExposed);
  EXPECT_LT(verdicts[0].own, 0.3);
  EXPECT_GT(verdicts[0].leakage.value, 0.7);
}

TEST(Verdict, CarryingAnInputExposesThisCutAndShallowerOnes) {
  AuditScores audit = good_audit();
  audit.cuts[1].carries_input = "x";
  audit.cuts[0] = cut_at("early", 0.2, 1);
  const auto verdicts = judged(small_policy(), audit);
  EXPECT_EQ(verdicts[0].outcome, Outcome::kExposed);
  EXPECT_EQ(verdicts[1].outcome, Outcome::kExposed);
  EXPECT_EQ(verdicts[2].outcome, Outcome::kResisted);
  EXPECT_THAT(verdicts[0].sentence, HasSubstr("the deeper cut 'middle' carries the model's input"));
  EXPECT_THAT(verdicts[1].sentence, HasSubstr("this cut carries the model's input 'x'"));
}

TEST(Verdict, EveryGateKeepsACutFromBeingResisted) {
  using Change = std::function<void(AuditScores&, Policy&)>;
  const double nan = std::nan("");
  const std::tuple<std::string, std::string, Change> table[] = {
      {"attacker", "'rmle' was not run",
       [](auto&, Policy& p) { p.attackers.emplace_back("rmle"); }},
      {"converged", "'cgan' did not converge",
       [](AuditScores& a, auto&) { a.cuts[2].runs[0].converged = false; }},
      {"n", "60 held-out inputs were attacked in full, want 61",
       [](auto&, Policy& p) { p.n_min = 61; }},
      {"n", "'rmle' attacked 3 held-out inputs, want 10",
       [](AuditScores& a, auto&) {
         a.cuts[2].runs.push_back({"rmle", true, {1, 5, 7}, {0.2, 0.2, 0.2}});
       }},
      {"floor", "use an advantage", [](AuditScores& a, auto&) { a.floor = around(0.5, 1); }},
      {"positive-control", "no positive control",
       [](AuditScores& a, auto&) { a.positive_controls.clear(); }},
      {"positive-control", "reaches 0.890",
       [](AuditScores& a, auto&) { a.positive_controls[0].score = 0.89; }},
      {"positive-control", "reaches n/a",
       [nan](AuditScores& a, auto&) { a.positive_controls[0].score = nan; }},
      {"negative-control", "no negative control",
       [](AuditScores& a, auto&) { a.negative_controls.clear(); }},
      {"negative-control", "reaches 0.210",
       [](AuditScores& a, auto&) { a.negative_controls[0].score = 0.21; }},
      {"negative-control", "reaches n/a",
       [nan](AuditScores& a, auto&) { a.negative_controls[0].score = nan; }},
      {"data", "all of the attacker's data",
       [](AuditScores& a, auto&) { a.cuts[2].data_gain.reset(); }},
      {"data", "still rises", [](AuditScores& a, auto&) { a.cuts[2].data_gain->half = 0.1; }},
      {"data", "still rises", [nan](AuditScores& a, auto&) { a.cuts[2].data_gain->all = nan; }},
      {"bound", "hold 0.210", [](auto&, Policy& p) { p.threshold = 0.21; }},
      {"attacker", "no attacker for tokens",
       [](AuditScores& a, auto&) {
         a.cuts[2].runs.clear();
         a.cuts[2].no_attacker = "there is no attacker for tokens";
       }},
  };
  for (const auto& [name, why, change] : table) {
    AuditScores audit = good_audit();
    audit.cuts[2].runs[1].scores = around(0.2, 7);
    Policy policy = small_policy();
    change(audit, policy);
    const auto verdicts = judged(policy, audit);
    EXPECT_EQ(verdicts[2].outcome, Outcome::kInconclusive) << why;
    ASSERT_FALSE(verdicts[2].failed.empty()) << why;
    EXPECT_EQ(verdicts[2].failed[0].name, name);
    EXPECT_THAT(verdicts[2].failed[0].why, HasSubstr(why));
    EXPECT_THAT(verdicts[2].sentence, HasSubstr(why));
    EXPECT_NE(verdicts[1].outcome, Outcome::kResisted) << why << ": the cut before it";
  }
}

TEST(Verdict, AFloorAboveTheThresholdAsksForTheAdvantage) {
  AuditScores audit = good_audit();
  audit.floor = around(0.5, 3);
  audit.negative_controls[0] = {"cgan", 0.5, 0.5};
  audit.cuts = {cut_at("early", 0.8, 1), cut_at("late", 0.5, 3)};
  const auto by_ssim = judged(small_policy(), audit);
  EXPECT_EQ(by_ssim[0].outcome, Outcome::kInconclusive);
  EXPECT_EQ(by_ssim[1].outcome, Outcome::kInconclusive);
  EXPECT_EQ(by_ssim[0].failed[0].name, "floor");
  Policy policy = default_policy(Metric::kSsimAdvantage);
  policy.attackers = {"cgan"};
  policy.n_min = 50;
  const auto by_advantage = judged(policy, audit);
  EXPECT_EQ(by_advantage[0].outcome, Outcome::kExposed);
  EXPECT_EQ(by_advantage[1].outcome, Outcome::kResisted);
  EXPECT_NEAR(by_advantage[0].leakage.value, 0.3, 0.02);
  EXPECT_THAT(by_advantage[1].sentence, HasSubstr("taken off"));
}

// Most cells of a table can be guessed: what counts is what comes back of the rest.
TEST(Verdict, RowsThatComeBackWholeAreExposedHoweverMuchCanBeGuessed) {
  Policy policy = small_policy();
  policy.metric = Metric::kRowMatchAdvantage;
  policy.threshold = 0.1;
  AuditScores audit = good_audit();
  audit.floor = std::vector<double>(kInputs, 0.96);
  audit.positive_controls = {{"cgan", 0.999, 0.96}};
  audit.negative_controls = {{"cgan", 0.96, 0.96}};
  audit.cuts = {cut_at("all", 0, 1), cut_at("nothing", 0, 3)};
  for (AttackerRun& run : audit.cuts[0].runs) run.scores.assign(kInputs, 0.998);
  for (AttackerRun& run : audit.cuts[1].runs) run.scores.assign(kInputs, 0.961);
  for (CutScores& cut : audit.cuts) cut.data_gain = DataGain{0.96, 0.96};
  const auto verdicts = judged(policy, audit);
  EXPECT_EQ(verdicts[0].outcome, Outcome::kExposed);
  EXPECT_NEAR(verdicts[0].leakage.value, 0.95, 1e-9);
  EXPECT_EQ(verdicts[1].outcome, Outcome::kResisted);
  // Where everything can be guessed, nothing can be told.
  audit.floor.assign(kInputs, 1);
  const auto guessed = judged(policy, audit);
  EXPECT_EQ(guessed[0].outcome, Outcome::kInconclusive);
  EXPECT_THAT(guessed[0].failed.at(0).why, HasSubstr("even a perfect reconstruction would score"));
}

TEST(Verdict, StatisticsLookAtDifferentInputs) {
  AuditScores audit = good_audit();
  audit.cuts = {cut_at("only", 0.2, 1)};
  audit.floor = around(0.15, 99, 400);
  audit.cuts[0].runs = {{"cgan", true, {}, around(0.2, 1, 400)},
                        {"inverse-net", true, {}, around(0.2, 2, 400)}};
  audit.cuts[0].runs[0].scores[17] = 0.9;
  Policy policy = small_policy();
  EXPECT_EQ(judged(policy, audit)[0].outcome, Outcome::kResisted);
  policy.statistic = Statistic::kP95;
  EXPECT_EQ(judged(policy, audit)[0].outcome, Outcome::kResisted);
  policy.statistic = Statistic::kWorst;
  const CutVerdict worst = judged(policy, audit)[0];
  EXPECT_EQ(worst.outcome, Outcome::kExposed);
  EXPECT_EQ(worst.above, 1U);
  EXPECT_NEAR(worst.above_share.upper, 0.0138, 0.0005);
  // 60 inputs are too few to bound a 95 % quantile at level 0.025.
  policy.statistic = Statistic::kP95;
  const auto few = judged(policy, good_audit());
  EXPECT_EQ(few[2].outcome, Outcome::kInconclusive);
  EXPECT_THAT(few[2].failed, ElementsAre(testing::Field(&Gate::name, "bound")));
}

TEST(Verdict, ASubsampleIsALookOfItsOwn) {
  AuditScores audit = good_audit();
  std::vector<size_t> inputs(12);
  for (size_t i = 0; i < inputs.size(); ++i) inputs[i] = 3 * i;
  audit.cuts[2].runs.push_back({"rmle", true, inputs, std::vector<double>(12, 0.6)});
  const auto verdicts = judged(small_policy(), audit);
  EXPECT_EQ(verdicts[2].outcome, Outcome::kExposed);
  EXPECT_DOUBLE_EQ(verdicts[2].leakage.value, 0.6);
  EXPECT_EQ(verdicts[2].above, 12U);
  EXPECT_THAT(verdicts[2].sentence, HasSubstr("'rmle' attacked 12 of them"));
}

TEST(Verdict, ManyCutsNeedMoreEvidence) {
  AuditScores audit = good_audit();
  Policy policy = small_policy();
  audit.cuts = {cut_at("c0", 0.29, 50)};
  const double alone = judged(policy, audit)[0].leakage.bounds.upper;
  for (int i = 1; i < 8; ++i) audit.cuts.push_back(cut_at(fmt::format("c{}", i), 0.2, 60 + i));
  audit.cuts[0].runs[1].scores = around(0.31, 51);
  AuditScores first = audit;
  first.cuts.resize(1);
  EXPECT_GE(judged(policy, audit)[0].p_leaks, judged(policy, first)[0].p_leaks);
  EXPECT_GT(alone, 0.27);
}

TEST(Verdict, RefusesWhatMakesNoSense) {
  const auto message = [](const Policy& policy, const AuditScores& audit) {
    const auto found = judge(policy, audit);
    return found ? std::string("accepted") : found.error().message;
  };
  const AuditScores good = good_audit();
  for (const double threshold : {1.0, 2.0, -1.5, std::nan(""), double{INFINITY}}) {
    Policy policy = small_policy();
    policy.threshold = threshold;
    EXPECT_THAT(message(policy, good), HasSubstr("policy: threshold is")) << threshold;
  }
  Policy none = small_policy();
  none.attackers.clear();
  EXPECT_THAT(message(none, good), HasSubstr("no attackers"));
  Policy sure = small_policy();
  sure.confidence = 1;
  EXPECT_THAT(message(sure, good), HasSubstr("confidence is 1"));

  AuditScores audit = good;
  audit.cuts[1].runs[0].scores[5] = std::nan("");
  EXPECT_THAT(message(small_policy(), audit),
              HasSubstr("cut 'middle', attacker 'cgan': score 5 is nan, want -1 to 1 for ssim"));
  audit = good;
  audit.cuts[1].runs[0].scores.pop_back();
  EXPECT_THAT(message(small_policy(), audit), HasSubstr("59 scores, want 60"));
  audit = good;
  audit.cuts[1].cut = "late";
  EXPECT_THAT(message(small_policy(), audit), HasSubstr("'late' occurs twice"));
  audit = good;
  audit.cuts[1].runs[1].attacker = "cgan";
  EXPECT_THAT(message(small_policy(), audit), HasSubstr("there twice"));
  audit = good;
  audit.cuts[0].runs.push_back({"rmle", true, {4, 4}, {0.1, 0.1}});
  EXPECT_THAT(message(small_policy(), audit), HasSubstr("ascending positions under 60"));
  audit = good;
  audit.floor[3] = 7;
  EXPECT_THAT(message(small_policy(), audit), StartsWith("floor: score 3 is 7"));
}

TEST(Verdict, WordsAreThoseOfTheRecords) {
  for (const std::string_view text :
       {"ssim", "ssim_advantage", "ms_ssim", "psnr_db", "row_match", "row_match_advantage"}) {
    EXPECT_EQ(to_string(*parse_metric(text)), text);
    EXPECT_TRUE(judge(default_policy(*parse_metric(text)), AuditScores{}));
  }
  for (const std::string_view text : {"mean", "p95", "worst"}) {
    EXPECT_EQ(to_string(*parse_statistic(text)), text);
  }
  EXPECT_EQ(parse_metric("mse").error().kind, Kind::kUsage);
  EXPECT_THAT(parse_statistic("median").error().message, HasSubstr("want mean, p95, worst"));
}

// --- What must hold for any audit --------------------------------------------------------------

class AnyAudit {
 public:
  explicit AnyAudit(uint64_t seed) : random_(seed) {}

  double real(double low, double high) {
    return low + (high - low) * static_cast<double>(random_() >> 11) * 0x1p-53;
  }
  bool one_in(uint64_t n) { return random_() % n == 0; }
  size_t below(size_t n) { return random_() % n; }

  Policy policy() {
    Policy out;
    out.statistic = static_cast<Statistic>(below(3));
    out.metric = one_in(4) ? Metric::kSsimAdvantage : Metric::kSsim;
    out.threshold = real(0.05, 0.6);
    out.n_min = 20;
    out.n_min_subsample = 4;
    out.attackers = {"a", "b"};
    out.resamples = 399;
    out.seed = random_();
    return out;
  }

  AttackerRun run(const std::string& name, size_t n, bool subsample) {
    AttackerRun out = {name, !one_in(15), {}, {}};
    const double centre = real(-0.05, 0.7);
    const double spread = real(0, 0.3);
    for (size_t i = 0; i < n; ++i) {
      if (subsample && !one_in(3)) continue;
      if (subsample) out.inputs.push_back(i);
      out.scores.push_back(centre + real(-spread, spread));
    }
    if (subsample && out.inputs.empty()) {
      out.inputs = {0};
      out.scores = {centre};
    }
    return out;
  }

  AuditScores audit() {
    AuditScores out;
    const size_t n = 20 + below(150);
    const double floor = real(0, 0.3);
    for (size_t i = 0; i < n; ++i) out.floor.push_back(floor + real(-0.05, 0.05));
    if (!one_in(12)) out.positive_controls.push_back({"a", real(0.88, 1), floor});
    if (!one_in(12)) out.negative_controls.push_back({"a", floor + real(-0.1, 0.06), floor});
    const size_t cuts = 1 + below(4);
    for (size_t c = 0; c < cuts; ++c) {
      CutScores cut;
      cut.cut = fmt::format("c{}", c);
      if (one_in(20)) cut.carries_input = "x";
      for (const std::string name : {"a", "b"}) {
        if (!one_in(12)) cut.runs.push_back(run(name, n, false));
      }
      if (one_in(3)) cut.runs.push_back(run("slow", n, true));
      if (!one_in(12)) cut.data_gain = DataGain{0.2, real(0.19, 0.222)};
      out.cuts.push_back(std::move(cut));
    }
    return out;
  }

 private:
  std::mt19937_64 random_;
};

constexpr uint64_t kRounds = 400;

TEST(AnyVerdict, AStricterThresholdNeverHelps) {
  int resisted = 0;
  int exposed = 0;
  for (uint64_t seed = 0; seed < kRounds; ++seed) {
    AnyAudit any(seed);
    const AuditScores audit = any.audit();
    Policy policy = any.policy();
    const auto before = judged(policy, audit);
    policy.threshold -= any.real(0, 0.3);
    const auto after = judged(policy, audit);
    for (size_t c = 0; c < before.size(); ++c) {
      resisted += before[c].outcome == Outcome::kResisted ? 1 : 0;
      exposed += before[c].outcome == Outcome::kExposed ? 1 : 0;
      if (after[c].outcome != Outcome::kResisted) continue;
      EXPECT_EQ(before[c].outcome, Outcome::kResisted) << "seed " << seed << " cut " << c;
    }
  }
  EXPECT_GT(resisted, 20) << "the audits drawn should not be all of one kind";
  EXPECT_GT(exposed, 20);
}

TEST(AnyVerdict, AddingAnAttackerNeverLowersLeakage) {
  for (uint64_t seed = 0; seed < kRounds; ++seed) {
    AnyAudit any(seed);
    AuditScores audit = any.audit();
    const Policy policy = any.policy();
    const auto before = judged(policy, audit);
    const size_t at = any.below(audit.cuts.size());
    audit.cuts[at].runs.push_back(any.run("new", audit.floor.size(), any.one_in(2)));
    const auto after = judged(policy, audit);
    for (size_t c = 0; c < before.size(); ++c) {
      if (before[c].scored) {
        EXPECT_GE(after[c].leakage.value, before[c].leakage.value) << "seed " << seed;
        EXPECT_GE(after[c].above, before[c].above) << "seed " << seed;
      }
      if (before[c].outcome == Outcome::kExposed) {
        EXPECT_NE(after[c].outcome, Outcome::kResisted) << "seed " << seed << " cut " << c;
      }
    }
  }
}

TEST(AnyVerdict, ADeeperCutIsNeverWorse) {
  for (uint64_t seed = 0; seed < kRounds; ++seed) {
    AnyAudit any(seed);
    const AuditScores audit = any.audit();
    const auto verdicts = judged(any.policy(), audit);
    for (size_t c = 1; c < verdicts.size(); ++c) {
      const CutVerdict& shallow = verdicts[c - 1];
      const CutVerdict& deep = verdicts[c];
      if (deep.outcome == Outcome::kExposed) {
        EXPECT_EQ(shallow.outcome, Outcome::kExposed) << "seed " << seed;
      }
      if (shallow.outcome == Outcome::kResisted) {
        EXPECT_EQ(deep.outcome, Outcome::kResisted) << "seed " << seed;
      }
      if (deep.scored) {
        EXPECT_GE(shallow.leakage.value, deep.leakage.value) << "seed " << seed;
      }
    }
  }
}

TEST(AnyVerdict, NothingMissingEverResists) {
  for (uint64_t seed = 0; seed < kRounds; ++seed) {
    AnyAudit any(seed);
    const AuditScores audit = any.audit();
    const auto verdicts = judged(any.policy(), audit);
    for (size_t c = 0; c < verdicts.size(); ++c) {
      const CutVerdict& verdict = verdicts[c];
      const CutScores& cut = audit.cuts[c];
      const auto ran = [&](std::string_view name) {
        return std::ranges::any_of(cut.runs, [&](const AttackerRun& run) {
          return run.attacker == name && run.converged;
        });
      };
      const bool whole = ran("a") && ran("b") && cut.data_gain && cut.carries_input.empty() &&
                         !audit.positive_controls.empty() && !audit.negative_controls.empty();
      if (!whole) {
        EXPECT_NE(verdict.outcome, Outcome::kResisted) << "seed " << seed;
      }
      EXPECT_EQ(verdict.outcome == Outcome::kResisted,
                verdict.failed.empty() && verdict.outcome != Outcome::kExposed);
      EXPECT_THAT(verdict.sentence, Not(HasSubstr("private")));
      if (verdict.outcome == Outcome::kResisted) {
        EXPECT_THAT(verdict.sentence, HasSubstr("at this budget"));
        EXPECT_LE(verdict.leakage.bounds.upper, 0.6);
      }
    }
  }
}

TEST(AnyVerdict, OrderOfAttackersDoesNotMatter) {
  for (uint64_t seed = 0; seed < 50; ++seed) {
    AnyAudit any(seed);
    AuditScores audit = any.audit();
    const Policy policy = any.policy();
    const auto before = judged(policy, audit);
    for (CutScores& cut : audit.cuts) std::ranges::reverse(cut.runs);
    const auto after = judged(policy, audit);
    for (size_t c = 0; c < before.size(); ++c) {
      EXPECT_EQ(before[c].outcome, after[c].outcome);
      EXPECT_EQ(before[c].leakage.bounds.upper, after[c].leakage.bounds.upper);
    }
  }
}

}  // namespace
}  // namespace cloister::audit
