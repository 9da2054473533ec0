// What the chart of a plan is given.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "report/plan_view.h"

namespace cloister::report {
namespace {

using plan::Candidate;

class ParetoData : public testing::Test {
 protected:
  ParetoData() {
    plan_.policy.leakage.emplace();
    add({.segments = segments_between({}), .latency_ms = 40, .pareto = true});
    add({.segments = {{.name = "body", .placement = Placement::kUntrusted}},
         .device = "gpu",
         .latency_ms = 2,
         .refused = {{plan::Refusal::kInputSeen, ""}}});
    add(cut("a", 5, 0.9));
    add(cut("b", 7, 0.95));
    add(cut("c", 11, 0.2));
    add(cut("d", 12, std::nullopt));
    plan_.chosen = 4;
  }
  static Candidate cut(const std::string& id, double ms, std::optional<double> upper) {
    Candidate c;
    c.segments = segments_between({id});
    c.device = "gpu";
    c.latency_ms = ms;
    c.leakage = {upper ? "resisted" : "not audited", upper, upper};
    return c;
  }
  void add(const Candidate& candidate) { plan_.candidates.push_back(candidate); }
  nlohmann::ordered_json point(const std::string& title) {
    const auto data = pareto_data(plan_);
    for (const auto& p : data["points"]) {
      if (p["title"] == title) return p;
    }
    return {};
  }

  plan::Plan plan_;
};

TEST_F(ParetoData, PlacesWhatIsKnown) {
  EXPECT_EQ(point("all trusted")["y"], 0);
  EXPECT_EQ(point("all untrusted")["y"], 1);
  EXPECT_EQ(point("cut c")["y"], 0.2);
  EXPECT_EQ(point("cut c")["chosen"], true);
  EXPECT_EQ(pareto_data(plan_)["threshold"], 0.3);
}

// What is not known is no zero.
TEST_F(ParetoData, KeepsApartWhatIsNotKnown) {
  EXPECT_TRUE(point("cut d")["y"].is_null());
  EXPECT_EQ(point("cut d")["outcome"], "not audited");
  plan_.candidates[4].leakage.upper = NAN;
  EXPECT_TRUE(point("cut c")["y"].is_null());
  plan_.candidates[5].refused = {{plan::Refusal::kInputSeen, ""}};
  EXPECT_EQ(point("cut d")["y"], 1);
}

TEST_F(ParetoData, JoinsWhatNothingBeats) {
  const auto front = pareto_data(plan_)["front"];
  ASSERT_EQ(front.size(), 4U);
  EXPECT_EQ(front[0]["latency"], 2);
  EXPECT_EQ(front[1]["latency"], 5);
  EXPECT_EQ(front[2]["latency"], 11);
  EXPECT_EQ(front[3]["latency"], 40);
}

TEST_F(ParetoData, SaysWhatIsModelled) {
  plan_.candidates[4].modelled = true;
  EXPECT_EQ(point("cut c")["device"], "gpu (modelled)");
  EXPECT_EQ(point("cut c")["numbers"], "modelled");
  EXPECT_EQ(point("cut a")["device"], "gpu");
  EXPECT_EQ(point("cut a")["numbers"], "interpolated");
}

TEST_F(ParetoData, LeavesOutWhatHasNoTime) {
  plan_.candidates[2].latency_ms = 0;
  plan_.candidates[3].latency_ms = INFINITY;
  EXPECT_EQ(pareto_data(plan_)["points"].size(), 4U);
}

}  // namespace
}  // namespace cloister::report
