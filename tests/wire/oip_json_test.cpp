#include "wire/oip_json.h"

#include <gtest/gtest.h>

namespace cloister::oip {
namespace {

std::string json_refusal(std::string_view json) {
  JsonText text;
  const auto root = text.parse(as_bytes(json));
  return root ? "" : root.error().message;
}

TEST(OipJson, OnlyWholeDocumentsAreTaken) {
  EXPECT_EQ(json_refusal("{\"a\": [1, 2.5, null]} \n"), "");
  EXPECT_EQ(json_refusal(""), "no JSON");
  EXPECT_EQ(json_refusal(" "), "no JSON");
  for (const std::string_view json :
       {"{\"a\":1", "{\"a\":1}}", "{} {}", "{\"a\":01}", "{\"a\":1.}", "{\"a\":+1}", "{\"a\":NaN}",
        "{a:1}", "{'a':1}", "[1,]", "{\"a\":\"\\x\"}", "{\"a\":\"\n\"}", "{\"a\":tru}", "{} // c",
        "\xef\xbb\xbf{}", "{\"a\":\"\xff\"}", "{\"a\":\"\xed\xa0\x80\"}", "\"a"}) {
    EXPECT_NE(json_refusal(json), "") << json;
  }
  EXPECT_EQ(json_refusal(std::string_view("{\0}", 3)).substr(0, 10), "not JSON: ");
  EXPECT_EQ(json_refusal("{\"a\":123456789012345678901234567890}"),
            "JSON: a malformed number, or a whole one that 64 bits can't hold");
}

TEST(OipJson, DepthIsBounded) {
  const auto nested = [](size_t levels) {
    return std::string(levels, '[') + std::string(levels, ']');
  };
  EXPECT_EQ(json_refusal(nested(60)), "");
  EXPECT_EQ(json_refusal(nested(65)), "JSON: more than 64 levels");
  EXPECT_EQ(json_refusal(nested(1'000'000)), "JSON: more than 64 levels");
  EXPECT_NE(json_refusal(std::string(1'000'000, '[')), "");
}

// The members of `json`, kept alive with it.
struct Parsed {
  JsonText text;
  Result<Members> members;
  explicit Parsed(std::string_view json)
      : members(Members::of("p: ", *text.parse(as_bytes(json)))) {}
};

TEST(OipJson, KeysAreThereOnce) {
  EXPECT_TRUE(Parsed(R"({"a":1,"b":2,"":3})").members);
  EXPECT_EQ(Parsed(R"({"a":1,"b":2,"\u0061":3})").members.error().message,
            "p: key 'a' occurs twice");
  EXPECT_EQ(Parsed("7").members.error().message, "p: 7, want an object");
  std::string many = "{";
  for (int i = 0; i < 1001; ++i) many += fmt::format("{}\"{}\":0", i == 0 ? "" : ",", i);
  EXPECT_EQ(Parsed(many + "}").members.error().message, "p: an object of more than 1000 members");
}

TEST(OipJson, MembersAreFound) {
  const Parsed parsed(R"({"text":"\u00e9","list":[1,2],"none":null})");
  const Members& members = *parsed.members;
  EXPECT_EQ(*members.need_text("text"), "\xc3\xa9");
  EXPECT_EQ(*members.find_text("none"), "");
  EXPECT_EQ(members.find_items("list")->size(), 2U);
  EXPECT_TRUE(members.find_items("other")->empty());
  EXPECT_FALSE(members.find("none"));
  EXPECT_EQ(members.need("none").error().message, "p: no key 'none'");
  EXPECT_EQ(members.need_text("list").error().message, "p: list: an array, want a string");
  EXPECT_EQ(members.find_items("text").error().message, "p: text: '\xc3\xa9', want an array");
}

TEST(OipJson, TextsAreUtf8) {
  for (const char* text :
       {"\\udc00", "\\ud800", "\\ud800x", "\\ud800\\ud800", "\xff", "\xed\xb0\x80"}) {
    EXPECT_NE(json_refusal(fmt::format("{{\"a\":\"{}\"}}", text)), "") << text;
    EXPECT_NE(json_refusal(fmt::format("{{\"{}\":1}}", text)), "") << text;
  }
  EXPECT_EQ(*Parsed(R"({"a":"\ud83d\ude00"})").members->need_text("a"), "\xf0\x9f\x98\x80");
}

TEST(OipJson, Parameters) {
  const auto parameters =
      Parsed(
          R"({"parameters":{"a":true,"b":-3,"c":2.0,"d":"x","e":null,"f":18446744073709551615}})")
          .members->find_parameters();
  ASSERT_TRUE(parameters) << parameters.error().message;
  EXPECT_EQ(*parameters, (Parameters{{"a", true},
                                     {"b", int64_t{-3}},
                                     {"c", 2.0},
                                     {"d", std::string("x")},
                                     {"f", std::numeric_limits<uint64_t>::max()}}));
  EXPECT_TRUE(Parsed("{}").members->find_parameters()->empty());

  const std::pair<std::string, std::string> kBad[] = {
      {"[]", "p: parameters: an array, want an object"},
      {R"({"a":[]})", "p: parameters: a: an array, want a string, true, false or a number"},
      {R"({"a":{}})", "p: parameters: a: an object, want a string, true, false or a number"},
      {R"({"a":1,"a":2})", "p: parameters: key 'a' occurs twice"},
      {R"({"a\u0000":1})", "p: parameters: a parameter's name 'a\\x00' has a NUL in it"},
  };
  for (const auto& [json, message] : kBad) {
    const Parsed parsed("{\"parameters\":" + json + "}");
    const auto found = parsed.members->find_parameters();
    ASSERT_FALSE(found) << json;
    EXPECT_EQ(found.error().message, message);
  }
}

TEST(OipJson, ElementsAreDescribed) {
  for (const auto& [json, text] : std::initializer_list<std::pair<const char*, const char*>>{
           {"[]", "an array"},
           {"{}", "an object"},
           {"\"a\\n\"", "'a\\x0a'"},
           {"-7", "-7"},
           {"18446744073709551615", "18446744073709551615"},
           {"1.5e3", "1500.0"},
           {"true", "true"},
           {"false", "false"},
           {"null", "null"}}) {
    JsonText owner;
    EXPECT_EQ(describe(*owner.parse(as_bytes(json))), text);
  }
  EXPECT_EQ(describe(Parameter(true)), "true");
  EXPECT_EQ(describe(Parameter(int64_t{7})), "7");
  EXPECT_EQ(describe(Parameter(uint64_t{1} << 63)), "9223372036854775808");
  EXPECT_EQ(describe(Parameter(0.5)), "0.5");
  EXPECT_EQ(describe(Parameter(std::string("a\n"))), "'a\\x0a'");
}

}  // namespace
}  // namespace cloister::oip
