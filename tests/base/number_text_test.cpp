// Numbers for people: what is none has no sign.
#include "base/number_text.h"

#include <gtest/gtest.h>

#include <limits>

namespace cloister {
namespace {

TEST(NumberText, WhatIsNoNumberIsNotAvailable) {
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(number_text(1.25, 3), "1.250");
  EXPECT_EQ(number_text(kNan, 3), "n/a");
  EXPECT_EQ(number_text(-kNan, 3), "n/a");
  EXPECT_EQ(number_text(-std::numeric_limits<double>::infinity(), 1), "-inf");
  EXPECT_EQ(short_number_text(123456, 3), "1.23e+05");
  EXPECT_EQ(short_number_text(-kNan, 3), "n/a");
}

}  // namespace
}  // namespace cloister
