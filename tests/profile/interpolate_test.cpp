#include "profile/interpolate.h"

#include <gmock/gmock.h>

#include <random>

namespace cloister::profile {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(Curve, GoesThroughItsAnchors) {
  const Curve curve({{0, 0, 1}, {0.5, 0, 2}, {1, 0, 6}});
  EXPECT_EQ(curve.slope(), 0);  // too few anchors for one
  EXPECT_DOUBLE_EQ(curve.at(0, 9), 1);
  EXPECT_DOUBLE_EQ(curve.at(0.25, 9), 1.5);
  EXPECT_DOUBLE_EQ(curve.at(0.5, 9), 2);
  EXPECT_DOUBLE_EQ(curve.at(0.75, 9), 4);
  EXPECT_DOUBLE_EQ(curve.at(1.5, 9), 10);  // continued
  EXPECT_DOUBLE_EQ(curve.at(-9, 9), 0);    // never negative
  EXPECT_DOUBLE_EQ(Curve({{0.3, 0, 4}}).at(0.9, 0), 4);
  EXPECT_DOUBLE_EQ(Curve({{0.5, 0, 1}, {0.5, 0, 3}}).at(0.5, 0), 2);
}

// Time that is a line in `at` and a cost for each byte is found exactly.
TEST(Curve, FindsWhatBytesCost) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937_64 random(seed);
    std::uniform_real_distribution<double> share(0, 1);
    const double slope = share(random);
    const auto truth = [&](double at, double extra) { return 2 + 5 * at + slope * extra; };
    std::vector<Anchor> anchors;
    for (int i = 0; i < 8; ++i) {
      const double at = share(random), extra = share(random);
      anchors.push_back({at, extra, truth(at, extra)});
    }
    const Curve curve(anchors);
    EXPECT_NEAR(curve.slope(), slope, 1e-9);
    EXPECT_NEAR(curve.at(0.4, 0.8), truth(0.4, 0.8), 1e-9);
  }
}

TEST(Curve, BytesNeverMakeItFaster) {
  const Curve curve({{0, 3, 1}, {0.3, 2, 2}, {0.6, 1, 3}, {0.7, 4, 1}, {1, 0, 4}});
  EXPECT_EQ(curve.slope(), 0);
  EXPECT_DOUBLE_EQ(curve.at(0.3, 2), 2);
}

TEST(Spread, TakesTheEndsAndWhatLiesFarApart) {
  const std::vector<double> places = {0, 0.1, 0.2, 0.5, 0.55, 0.9, 1};
  EXPECT_THAT(spread(places, 0), IsEmpty());
  EXPECT_THAT(spread(places, 1), ElementsAre(0));
  EXPECT_THAT(spread(places, 2), ElementsAre(0, 6));
  EXPECT_THAT(spread(places, 3), ElementsAre(0, 3, 6));
  EXPECT_THAT(spread(places, 100).size(), 7U);
  EXPECT_THAT(spread({}, 3), IsEmpty());
  EXPECT_THAT(spread(std::vector<double>{0.5}, 3), ElementsAre(0));
}

TEST(Spread, BetweenTakesOthers) {
  const std::vector<double> places = {0, 0.12, 0.2, 0.5, 0.55, 0.95, 1};
  const std::vector<size_t> taken = {0, 3, 6};
  EXPECT_THAT(between(places, taken, 2), ElementsAre(1, 2));  // 0.2 first
  EXPECT_THAT(between(places, taken, 1), ElementsAre(2));
  EXPECT_THAT(between(places, taken, 9), ElementsAre(1, 2, 4, 5));
}

}  // namespace
}  // namespace cloister::profile
