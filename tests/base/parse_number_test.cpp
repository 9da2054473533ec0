#include "base/parse_number.h"

#include <gtest/gtest.h>

#include <cstdint>

namespace cloister {
namespace {

TEST(ParseNumber, TakesAllOfTheTextOrNothing) {
  EXPECT_EQ(parse_number<int64_t>("-12"), -12);
  EXPECT_EQ(parse_number<uint16_t>("65535"), 65535);
  EXPECT_EQ(parse_number<double>("1.5"), 1.5);
  for (const char* text : {"", " 1", "1 ", "+1", "1x", "0x1", "-1", "65536"}) {
    EXPECT_EQ(parse_number<uint16_t>(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace cloister
