#include "plan/candidates.h"

#include <gmock/gmock.h>

#include "plan/explain.h"
#include "tests/plan/synthetic.h"

namespace cloister::plan {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using namespace test;

// All cuts resist with an upper bound of 0.2.
std::vector<CutLeakage> resisting(size_t cuts) {
  std::vector<CutLeakage> out(cuts);
  for (CutLeakage& cut : out) cut.leakage = {"resisted", 0.1, 0.2};
  return out;
}

class Candidates : public testing::Test {
 protected:
  std::vector<Candidate> list() {
    return list_candidates({profile_, policy_, resisting(profile_.cuts.size())});
  }

  static std::vector<Refusal> refusals(const Candidate& c) {
    std::vector<Refusal> out;
    for (const Reason& reason : c.refused) out.push_back(reason.refusal);
    return out;
  }

  ProfileRecord profile_ = profile_of(3, {device_named("gpu", 10)});
  PlanPolicy policy_ = test::policy_of();
};

TEST_F(Candidates, Costs) {
  profile_.settings.batch = 4;
  const auto all = list();
  // References, then each cut with two segments and, but for the last, with three.
  ASSERT_EQ(all.size(), 2u + 3 + 2);

  EXPECT_TRUE(is_all_trusted(all[0]));
  EXPECT_EQ(all[0].latency_ms, 100);
  EXPECT_EQ(all[0].throughput, 40);
  EXPECT_EQ(all[0].trusted_bytes, 100u << 20);
  EXPECT_THAT(all[0].refused, IsEmpty());

  EXPECT_TRUE(is_all_untrusted(all[1]));
  EXPECT_DOUBLE_EQ(all[1].latency_ms, 10 + 0.504 + 0.504);
  EXPECT_EQ(all[1].trusted_bytes, 0u);
  EXPECT_THAT(refusals(all[1]), ElementsAre(Refusal::kInputSeen));

  // 1 MB there, 4 kB back.
  EXPECT_EQ(all[2].segments.size(), 2U);
  EXPECT_EQ(first_cut(all[2]), "c1");
  EXPECT_DOUBLE_EQ(all[2].trusted_ms, 25);
  EXPECT_DOUBLE_EQ(all[2].untrusted_ms, 7.5);
  EXPECT_DOUBLE_EQ(all[2].link_ms, 1.5 + 0.504);
  EXPECT_DOUBLE_EQ(all[2].latency_ms, 25 + 7.5 + 1.5 + 0.504);
  EXPECT_DOUBLE_EQ(all[2].throughput, 4 * 1000 / 25.0);  // the device overlaps
  EXPECT_EQ(all[2].trusted_bytes, 25u << 20);
  EXPECT_EQ(all[2].bytes_across, 1'004'000u);

  // Between c1 and c3; its tail is the last quarter.
  EXPECT_EQ(all[3].segments.size(), 3U);
  EXPECT_EQ(all[3].segments.back().begin_cut, "c3");
  EXPECT_DOUBLE_EQ(all[3].trusted_ms, 50);
  EXPECT_DOUBLE_EQ(all[3].untrusted_ms, 5);
  EXPECT_DOUBLE_EQ(all[3].link_ms, 1.5 + 0.5 + 1e3 * 333'333 / 1e9);
  EXPECT_EQ(all[3].trusted_bytes, 50u << 20);
  EXPECT_EQ(all[3].bytes_across, 1'333'333u);

  profile_.devices[0].overlaps = false;
  EXPECT_DOUBLE_EQ(list()[2].throughput, 4000 / (25 + 7.5 + 1.5 + 0.504));
}

TEST_F(Candidates, OfThreeSegmentsTheBestEndStands) {
  profile_.cuts[2].tail = exactly(80);  // leaving it early is better
  const auto all = list();
  EXPECT_EQ(all[3].segments.back().begin_cut, "c2");
  // Unless only the other keeps the limits.
  policy_.max_trusted_bytes = 60 << 20;
  EXPECT_EQ(list()[3].segments.back().begin_cut, "c3");
}

TEST_F(Candidates, ATailHasWeightsAndWorkOfItsOwn) {
  const auto threes = [&] {
    std::vector<std::string> ends;
    for (const Candidate& c : list()) {
      if (c.segments.size() == 3) ends.push_back(first_cut(c) + c.segments.back().begin_cut);
    }
    return ends;
  };
  EXPECT_THAT(threes(), ElementsAre("c1c3", "c2c3"));
  profile_.cuts[2].before.weight_bytes = profile_.total.weight_bytes;
  EXPECT_THAT(threes(), ElementsAre("c1c2"));
  profile_.cuts[1].before.macs = profile_.total.macs;
  EXPECT_THAT(threes(), IsEmpty());
}

TEST_F(Candidates, AllReasonsAreListedWithTheirNumbers) {
  profile_.devices.push_back(device_named("cpu", 90, false));
  for (CutCost& cut : profile_.cuts) cut.bodies.push_back(exactly(60));
  policy_.result_may_be_seen = false;
  policy_.devices = {"gpu"};
  policy_.max_trusted_bytes = 20 << 20;
  policy_.max_latency_ms = 30;
  policy_.min_throughput = 50;
  const auto all = list();
  const Candidate& c = all[4];
  ASSERT_EQ(c.device, "cpu");
  ASSERT_EQ(c.segments.size(), 2U);
  EXPECT_THAT(refusals(c), ElementsAre(Refusal::kResultSeen, Refusal::kDevice, Refusal::kMemory,
                                       Refusal::kLatency, Refusal::kThroughput));
  EXPECT_EQ(c.refused[1].why, "it runs on cpu, want gpu");
  EXPECT_EQ(c.refused[2].why, "it takes 25.0 MiB of trusted memory, want at most 20.0 MiB");
  EXPECT_EQ(c.refused[3].why, "it takes 87 ms, want at most 30 ms");
  EXPECT_EQ(c.refused[4].why, "it does 11.49 items a second, want at least 50 items a second");
  EXPECT_THAT(refusals(all[0]),
              ElementsAre(Refusal::kMemory, Refusal::kLatency, Refusal::kThroughput));
  policy_ = test::policy_of();
  policy_.max_trusted_bytes = (25 << 20) - 1;
  EXPECT_THAT(list()[3].refused[0].why, HasSubstr("26214400 B"));
}

TEST_F(Candidates, ParetoIsWhatNothingBeatsInEverything) {
  auto all = list();
  mark_pareto(all);
  for (const Candidate& a : all) {
    const auto beats = [&](const Candidate& b) {
      const bool leaks_less =
          is_all_trusted(b) || is_all_untrusted(a) || (has_cut(a) && has_cut(b));
      return leaks_less && b.latency_ms < a.latency_ms && b.throughput > a.throughput &&
             b.trusted_bytes < a.trusted_bytes && b.bytes_across < a.bytes_across;
    };
    if (a.pareto) {
      EXPECT_EQ(std::ranges::count_if(all, beats), 0);
    }
  }
  EXPECT_TRUE(all[0].pareto);
  EXPECT_TRUE(all[1].pareto);
  // Worse in everything than it was: c3 leaks as much as the others, carries less.
  Candidate worse = all[2];
  worse.latency_ms += 1;
  all.push_back(worse);
  all.push_back(all[2]);
  mark_pareto(all);
  EXPECT_FALSE(all[all.size() - 2].pareto);
  EXPECT_EQ(all.back().pareto, all[2].pareto);
}

TEST_F(Candidates, TiesAreBrokenByOtherCosts) {
  std::vector<Candidate> all(3);
  for (Candidate& c : all) {
    c.segments = segments_between({"c1"});
    c.device = "gpu";
    c.latency_ms = 5;
    c.throughput = 1;
    c.trusted_bytes = 10;
  }
  EXPECT_TRUE(better(Objective::kLatency, all, 0, 1));
  all[1].trusted_bytes = 9;
  EXPECT_TRUE(better(Objective::kLatency, all, 1, 0));
  all[2].latency_ms = 4;
  EXPECT_TRUE(better(Objective::kTrustedMemory, all, 1, 2));
  EXPECT_TRUE(better(Objective::kLatency, all, 2, 1));
  EXPECT_TRUE(better(Objective::kThroughput, all, 2, 1));
}

TEST_F(Candidates, AThirdSegmentKeepsALateInputBack) {
  policy_.result_may_be_seen = false;
  auto leakage = resisting(profile_.cuts.size());
  leakage[0].leakage = {.outcome = "exposed"};
  leakage[0].refused = {Refusal::kInputSeen, "exposed by construction"};
  leakage[0].refused_unexposed = {Refusal::kNotAudited, "the tail keeps it"};
  leakage[0].exposed_to = profile_.cuts[1].position;
  const auto refusals_of_three = [&] {
    for (const Candidate& c : list_candidates({profile_, policy_, leakage})) {
      if (c.segments.size() == 3 && first_cut(c) == "c1") {
        return std::pair(refusals(c), c.leakage.outcome);
      }
    }
    return std::pair(std::vector<Refusal>{}, std::string());
  };
  EXPECT_EQ(refusals_of_three(),
            std::pair(std::vector{Refusal::kNotAudited}, std::string("not audited")));
  // Of the cuts, this one is then not said to give the input away.
  const auto counted = [&] {
    for (CutLeakage& cut : leakage) cut.refused = {Refusal::kInputSeen, "exposed"};
    const Situation situation{profile_, policy_, leakage};
    return why_chosen(situation, list_candidates(situation), 0, false);
  };
  EXPECT_THAT(counted(), HasSubstr("2 give the input away by construction, 1 not audited"));
  leakage[0].exposed_to = profile_.cuts[0].position;
  EXPECT_EQ(refusals_of_three(),
            std::pair(std::vector{Refusal::kInputSeen}, std::string("exposed")));
}

}  // namespace
}  // namespace cloister::plan
