// Numbers as people write them, and UTF-8.
#include "data/cells.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace cloister::audit {
namespace {

TEST(Cells, NumbersAreRead) {
  const std::pair<std::string_view, double> table[] = {
      {"0", 0},        {"-0.5", -0.5}, {"+2.7", 2.7}, {" 3\t", 3},       {"1e3", 1000},
      {"+1E-2", 0.01}, {".5", 0.5},    {"1e-400", 0}, {"-1e-400", -0.0}, {"5e-324", 5e-324},
  };
  for (const auto& [text, value] : table) {
    const CellNumber found = read_number(text);
    EXPECT_EQ(found.kind, CellKind::kNumber) << text;
    EXPECT_EQ(found.value, value) << text;
  }
}

TEST(Cells, OthersAreToldApart) {
  for (const char* text : {"", "-", "+", "+-1", "++1", "1 2", "tcp", "inf", "-inf", "nan", "NaN",
                           "0x10", "1,2,3", "1,", "12,x", "1e", "--1"}) {
    EXPECT_EQ(read_number(text).kind, CellKind::kText) << text;
  }
  for (const char* text : {"1e400", "-1e309", "+1e999"}) {
    EXPECT_EQ(read_number(text).kind, CellKind::kTooLarge) << text;
  }
  for (const char* text : {"2,7", "-2,7", "+1.234,5", ",5"}) {
    EXPECT_EQ(read_number(text).kind, CellKind::kDecimalComma) << text;
  }
}

TEST(Cells, WholeNumbers) {
  EXPECT_EQ(whole_number_in(" +7 "), 7);
  EXPECT_EQ(whole_number_in("-7"), -7);
  for (const char* text : {"", "7.0", "7x", "9223372036854775808"}) {
    EXPECT_FALSE(whole_number_in(text)) << text;
  }
}

// Sequences of the Unicode Standard's table 3-7 and of Markus Kuhn's stress test.
TEST(Cells, Utf8EndsWhereItIsNone) {
  for (const std::string_view good :
       {"", "plain", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf", "\xee\x80\x80",
        "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf", "a\xc3\xbc z"}) {
    EXPECT_EQ(utf8_end(good), good.size()) << testing::PrintToString(good);
  }
  for (const std::string_view bad :
       {"ab\x80", "ab\xbf", "ab\xc0\xaf", "ab\xc1\xbf", "ab\xc3", "ab\xc3z", "ab\xe0\x9f\xbf",
        "ab\xe2\x82", "ab\xed\xa0\x80", "ab\xf0\x8f\xbf\xbf", "ab\xf0\x90\x80",
        "ab\xf4\x90\x80\x80", "ab\xf5\x80\x80\x80", "ab\xfe", "ab\xff"}) {
    EXPECT_EQ(utf8_end(bad), 2U) << testing::PrintToString(bad);
  }
}

}  // namespace
}  // namespace cloister::audit
