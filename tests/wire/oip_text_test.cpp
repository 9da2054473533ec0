#include "wire/oip_text.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <random>

namespace cloister::oip {
namespace {

std::string number(auto value) {
  char buffer[kMaxNumberChars];
  return {buffer, put_number(buffer, value)};
}

std::string quoted(std::string_view text) {
  std::string json;
  append_quoted(json, text);
  return json;
}

TEST(OipText, NumbersHaveFewDigits) {
  EXPECT_EQ(number(1.0F), "1");
  EXPECT_EQ(number(0.1F), "0.1");
  EXPECT_EQ(number(-1.5), "-1.5");
  EXPECT_EQ(number(std::numeric_limits<uint64_t>::max()), "18446744073709551615");
  EXPECT_EQ(number(std::numeric_limits<int64_t>::min()), "-9223372036854775808");
  EXPECT_EQ(number(std::numeric_limits<float>::denorm_min()), "1e-45");
}

TEST(OipText, FractionalNumbersAreNotTakenForWholeOnes) {
  EXPECT_EQ(number(-0.0), "-0.0");
  EXPECT_EQ(number(-0.0F), "-0.0");
  EXPECT_EQ(number(0.0F), "0");
  // Twenty-one digits: more than a whole number of 64 bits has.
  EXPECT_EQ(number(123456789012345683968.0), "1.2345678901234568e+20");
}

TEST(OipText, NumbersFitTheirRoom) {
  for (const double value : {std::numeric_limits<double>::lowest(), -2.2250738585072014e-308,
                             -std::nextafter(1e15, 0), -1.2345678901234567e-5}) {
    EXPECT_LE(number(value).size(), kMaxNumberChars);
  }
}

// A reader that knows doubles only, as most of JSON are, must get the same float.
TEST(OipText, FloatsSurviveBeingReadAsDoubles) {
  const uint32_t seed = 20240406;
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  std::vector<uint32_t> all = {0x15ae43fd, 0x95ae43fd, 0x7f7fffff, 1};
  for (int i = 0; i < 100'000; ++i) all.push_back(static_cast<uint32_t>(random()));
  for (const uint32_t bits : all) {
    const auto value = std::bit_cast<float>(bits);
    if (!std::isfinite(value)) continue;
    const std::string text = number(value);
    double read = 0;
    std::from_chars(text.data(), text.data() + text.size(), read);
    ASSERT_EQ(std::bit_cast<uint32_t>(static_cast<float>(read)), bits) << text;
  }
}

TEST(OipText, QuotedTexts) {
  EXPECT_EQ(quoted("a\"b\\c\n\x01"), R"("a\"b\\c\u000a\u0001")");
  EXPECT_EQ(quoted("caf\xc3\xa9"), "\"caf\xc3\xa9\"");
  EXPECT_EQ(quoted("caf\xe9"), R"("caf\\xe9")");
}

TEST(OipText, TextsAreChecked) {
  EXPECT_TRUE(check_text("", "id", ""));
  EXPECT_TRUE(check_text("", "id", std::string(1024, 'x')));
  EXPECT_EQ(check_text("", "id", std::string(1025, 'x')).error().message,
            "id has 1025 bytes, at most 1024 are taken");
  EXPECT_EQ(check_text("", "id", "\xff").error().message, "id '\\xff' is not UTF-8");
  EXPECT_EQ(check_text("", "id", std::string_view("a\0b", 3)).error().message,
            "id 'a\\x00b' has a NUL in it");
  EXPECT_EQ(check_name("inputs[0]: ", "name", "").error().message, "inputs[0]: name is empty");
}

TEST(OipText, Parameters) {
  std::string json;
  EXPECT_TRUE(append_parameters(json, {}));
  EXPECT_EQ(json, "");
  EXPECT_TRUE(append_parameters(
      json, {{"a", true}, {"b", int64_t{-3}}, {"c", 2.0}, {"d", 1e300}, {"e", std::string("\"")}}));
  EXPECT_EQ(json, R"("parameters":{"a":true,"b":-3,"c":2.0,"d":1e+300,"e":"\""},)");
  EXPECT_EQ(append_parameters(json, {{"a", std::nan("")}}).error().message,
            "parameters: a: nan has no JSON form");
  EXPECT_EQ(append_parameters(json, {{"a", std::string("\xff")}}).error().message,
            "parameters: a: '\\xff' is not UTF-8");
  EXPECT_EQ(append_parameters(json, {{"\xff", true}}).error().message,
            "parameters: a parameter's name '\\xff' is not UTF-8");
}

}  // namespace
}  // namespace cloister::oip
