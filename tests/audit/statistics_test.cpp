// Bounds against scipy (tests/data/metrics/make.py), and the agreement of bounds and p-values.
#include "audit/statistics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <random>

#include "tests/support/data.h"

namespace cloister::audit {
namespace {

using testing::DoubleNear;
using testing::Pointwise;

using Numbers = std::vector<double>;

class Statistics : public testing::Test {
 protected:
  nlohmann::json json_ =
      nlohmann::json::parse(*read_file(test::data_path("metrics/statistics.json")));
};

TEST_F(Statistics, BootstrapAgreesWithScipy) {
  for (const auto& one : json_["bootstrap"]) {
    const Numbers values = one["values"];
    const auto made = BootstrapMean::make(values, 50'000, 1);
    ASSERT_TRUE(made);
    const Bounds bounds = made->bounds((1 - one["confidence"].get<double>()) / 2);
    // Both are random: a few percent of the interval's width.
    const double slack = 0.03 * (bounds.upper - bounds.lower);
    EXPECT_NEAR(bounds.lower, one["lower"].get<double>(), slack);
    EXPECT_NEAR(bounds.upper, one["upper"].get<double>(), slack);
  }
}

TEST_F(Statistics, ClopperPearsonAgreesWithScipy) {
  for (const auto& one : json_["clopper_pearson"]) {
    const auto bounds = clopper_pearson(one["k"], one["n"], one["confidence"]);
    ASSERT_TRUE(bounds);
    EXPECT_NEAR(bounds->lower, one["lower"].get<double>(), 1e-10) << one;
    EXPECT_NEAR(bounds->upper, one["upper"].get<double>(), 1e-10) << one;
  }
  EXPECT_NEAR(clopper_pearson(0, 1000, 0.9)->upper, 3.0 / 1000, 1e-5) << "the rule of three";
}

TEST_F(Statistics, QuantileBoundsAgreeWithScipysBinomial) {
  for (const auto& one : json_["quantiles"]) {
    const Numbers values = one["values"];
    const auto made = QuantileBounds::make(values, 0.95);
    ASSERT_TRUE(made);
    const Bounds bounds = made->bounds(one["alpha"]);
    EXPECT_NEAR(made->value(), one["p95"].get<double>(), 1e-12);
    EXPECT_EQ(bounds.upper, one["upper"].is_null() ? INFINITY : one["upper"].get<double>());
    EXPECT_EQ(bounds.lower, one["lower"].is_null() ? -INFINITY : one["lower"].get<double>());
  }
}

TEST_F(Statistics, HolmAgreesWithItsDefinition) {
  for (const auto& one : json_["holm"]) {
    const Numbers p = one["p"];
    for (const double level : {0.01, 0.05, 0.3}) {
      const auto found = holm(p, level);
      ASSERT_TRUE(found);
      EXPECT_THAT(found->adjusted, Pointwise(DoubleNear(1e-12), one["adjusted"].get<Numbers>()));
      for (size_t i = 0; i < p.size(); ++i) {
        EXPECT_EQ(found->adjusted[i] <= level, p[i] <= found->levels[i]) << p[i];
      }
    }
  }
}

TEST(Holm, LaterTestsAreHeldToTheLevelThatFailed) {
  const auto found = holm(Numbers{0.03, 0.03}, 0.05);
  EXPECT_THAT(found->levels, testing::ElementsAre(0.025, 0.025));
}

// upper <= t exactly where p_above(t) <= level, lower > t exactly where p_at_most(t) <= level.
template <typename Estimate>
void check_agreement(const Estimate& estimate, double t, double level) {
  const Bounds bounds = estimate.bounds(level);
  EXPECT_EQ(bounds.upper <= t, estimate.p_above(t) <= level) << t << " at " << level;
  EXPECT_EQ(bounds.lower > t, estimate.p_at_most(t) <= level) << t << " at " << level;
  EXPECT_LE(bounds.lower, bounds.upper);
}

TEST(Statistic, BoundsAndPValuesAgree) {
  std::mt19937_64 random(3);
  for (int round = 0; round < 200; ++round) {
    Numbers values(1 + random() % 150);
    for (double& value : values) value = static_cast<double>(random() % 12) / 10;  // many ties
    const auto mean = BootstrapMean::make(values, 199, random());
    const auto p95 = QuantileBounds::make(values, 0.95);
    for (const double level : {0.001, 0.005, 0.025, 0.05, 0.3}) {
      for (const double t : {-1.0, 0.1, values[0], mean->bounds(level).upper,
                             mean->bounds(level).lower, 0.55, 2.0}) {
        if (!std::isfinite(t)) continue;
        check_agreement(*mean, t, level);
        check_agreement(*p95, t, level);
      }
    }
  }
}

TEST(Statistic, LargerValuesHaveNoSmallerBounds) {
  std::mt19937_64 random(4);
  for (int round = 0; round < 50; ++round) {
    Numbers values(2 + random() % 50);
    for (double& value : values) value = static_cast<double>(random() % 1000);
    Numbers larger = values;
    for (double& value : larger) value += static_cast<double>(random() % 3);
    const Bounds before = BootstrapMean::make(values, 199, 9)->bounds(0.025);
    const Bounds after = BootstrapMean::make(larger, 199, 9)->bounds(0.025);
    EXPECT_GE(after.lower, before.lower);
    EXPECT_GE(after.upper, before.upper);
  }
}

TEST(Statistic, ResamplesAreTheSameEverywhere) {
  const Numbers values = {1, 2, 4, 8, 16, 32, 64};
  const Bounds bounds = BootstrapMean::make(values, 999, 5)->bounds(0.025);
  const Bounds again = BootstrapMean::make(values, 999, 5)->bounds(0.025);
  EXPECT_EQ(bounds.lower, again.lower);
  EXPECT_EQ(bounds.upper, again.upper);
  EXPECT_NE(bounds.upper, BootstrapMean::make(values, 999, 6)->bounds(0.0101).upper);
}

TEST(Statistic, RefusesWhatHasNoBounds) {
  const double nan = std::nan("");
  EXPECT_FALSE(BootstrapMean::make({}, 999, 1));
  EXPECT_FALSE(BootstrapMean::make(Numbers{1, nan}, 999, 1));
  EXPECT_FALSE(BootstrapMean::make(Numbers{1}, 98, 1));
  EXPECT_FALSE(QuantileBounds::make(Numbers{INFINITY}, 0.95));
  EXPECT_FALSE(QuantileBounds::make(Numbers{1}, 1));
  EXPECT_FALSE(quantile({}, 0.5));
  EXPECT_FALSE(quantile(Numbers{nan}, 0.5));
  EXPECT_FALSE(clopper_pearson(2, 1, 0.95));
  EXPECT_FALSE(clopper_pearson(0, 0, 0.95));
  EXPECT_FALSE(clopper_pearson(0, 1, nan));
  EXPECT_FALSE(holm(Numbers{nan}, 0.05));
  EXPECT_FALSE(holm(Numbers{0.1}, 0));
}

}  // namespace
}  // namespace cloister::audit
