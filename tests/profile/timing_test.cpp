#include "profile/timing.h"

#include <gmock/gmock.h>

namespace cloister::profile {
namespace {

TEST(Timing, MedianAndQuartiles) {
  const Timing odd = timing_of({5, 1, 3, 2, 4});
  EXPECT_EQ(odd.ms, 3);
  EXPECT_EQ(odd.low, 2);
  EXPECT_EQ(odd.high, 4);
  const Timing even = timing_of({1, 2, 3, 4});
  EXPECT_EQ(even.ms, 2.5);
  EXPECT_EQ(even.low, 1.75);
  EXPECT_EQ(timing_of({7}).high, 7);
  EXPECT_EQ(timing_of({}).ms, 0);
}

}  // namespace
}  // namespace cloister::profile
