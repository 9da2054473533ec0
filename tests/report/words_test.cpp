// Numbers as the page says them.
#include "report/words.h"

#include <gtest/gtest.h>

#include <cmath>

namespace cloister::report {
namespace {

TEST(MsWords, SayWhatIsKnown) {
  EXPECT_EQ(ms_words(0), "0 ms");
  EXPECT_EQ(ms_words(0.0012), "0.0012 ms");
  EXPECT_EQ(ms_words(0.42), "0.42 ms");
  EXPECT_EQ(ms_words(12.34), "12.3 ms");
  EXPECT_EQ(ms_words(250), "250 ms");
  EXPECT_EQ(ms_words(1250), "1.25 s");
  EXPECT_EQ(ms_words(NAN), "–");
  EXPECT_EQ(ms_words(INFINITY), "–");
}

TEST(SpeedWords, CompareTimes) {
  EXPECT_EQ(speed_words(10, 31), "3.1× faster than");
  EXPECT_EQ(speed_words(31, 10), "3.1× slower than");
  EXPECT_EQ(speed_words(1, 140.4), "140× faster than");
  EXPECT_EQ(speed_words(100, 102), "as fast as");
  EXPECT_EQ(speed_words(0, 10), "");
  EXPECT_EQ(speed_words(NAN, 10), "");
}

TEST(Words, SayNothingOfWhatIsNotFinite) {
  EXPECT_EQ(percent(NAN), "–");
  EXPECT_EQ(percent(0.284), "28 %");
  EXPECT_EQ(rate_words(82.64), "82.6 items/s");
  EXPECT_EQ(rate_words(INFINITY), "–");
}

}  // namespace
}  // namespace cloister::report
