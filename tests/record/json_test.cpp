#include "record/json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <nlohmann/json.hpp>

namespace cloister {
namespace {

using testing::HasSubstr;

// {"k0":0,"k1":0,...}
std::string object_of(size_t keys) {
  std::string text = "{";
  for (size_t i = 0; i < keys; ++i) text += fmt::format("{}\"k{}\":0", i > 0 ? "," : "", i);
  return text + "}";
}

Result<Json> parse(const std::string& text) {
  return parse_strict_json(text, 64 << 20);
}

TEST(StrictJson, KeepsTheOrderOfKeys) {
  const auto json = parse(R"({"b": 1, "a": [true, null]})");
  ASSERT_TRUE(json);
  EXPECT_EQ(json->begin().key(), "b");
}

TEST(StrictJson, RefusesWhatReadersDisagreeOn) {
  EXPECT_THAT(parse(R"({"a": 1, "a": 2})").error().message, HasSubstr("key 'a' occurs twice"));
  EXPECT_FALSE(parse("{} {}"));
  EXPECT_FALSE(parse("[1,]"));
  EXPECT_THAT(parse_strict_json("[0, 1]", 5).error().message, HasSubstr("6 bytes, at most 5"));
}

TEST(StrictJson, TakesTimeInProportionToTheText) {
  EXPECT_TRUE(parse(object_of(1000)));
  EXPECT_THAT(parse(object_of(1001)).error().message, HasSubstr("too many keys in one object"));
  // Without a limit this takes an hour: each key is compared with all before it.
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_FALSE(parse(object_of(2'000'000)));
  EXPECT_FALSE(parse("{\"a\":" + std::string(100'000, '[')));
  EXPECT_FALSE(parse("[" + object_of(1000) + "," + object_of(5000) + "]"));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(60));
}

}  // namespace
}  // namespace cloister
