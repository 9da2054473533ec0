#include "record/json_line.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "record/json.h"

namespace cloister {
namespace {

constexpr std::string_view kJson = R"({
  "a": 1, "b": {
    "c": [
      {"d": "x"},
      {"e\"}": "]",
       "d": [1,
             2, [3,
                 4]]}
    ], "f": "\\"
  },
  "g": {}, "h": [], "i": null
})";

TEST(JsonLine, IsWhereTheValueStands) {
  ASSERT_TRUE(parse_strict_json(kJson, kJson.size()));
  const std::pair<std::string_view, size_t> fields[] = {{"a", 2},
                                                        {"b", 2},
                                                        {"b.c", 3},
                                                        {"b.c[0]", 4},
                                                        {"b.c[0].d", 4},
                                                        {"b.c[1]", 5},
                                                        {"b.c[1].d", 6},
                                                        {"b.c[1].d[0]", 6},
                                                        {"b.c[1].d[1]", 7},
                                                        {"b.c[1].d[2]", 7},
                                                        {"b.c[1].d[2][1]", 8},
                                                        {"b.f", 9},
                                                        {"g", 11},
                                                        {"h", 11},
                                                        {"i", 11}};
  for (const auto& [field, line] : fields) EXPECT_EQ(json_line(kJson, field), line) << field;
}

TEST(JsonLine, ThereIsNoneOfWhatIsNotThere) {
  for (const char* field :
       {"", "d", "b.d", "b.c[2]", "b.c[0].e", "b.c[1].d[2][2]", "g.a", "h[0]", "a.b", "x", "c"}) {
    EXPECT_EQ(json_line(kJson, field), std::nullopt) << field;
  }
}

TEST(JsonLine, AnArrayMayBeTheWhole) {
  EXPECT_EQ(json_line("[\n1,\n{\"a\":\n2}]", "[0]"), 2u);
  EXPECT_EQ(json_line("[\n1,\n{\"a\":\n2}]", "[1].a"), 3u);
}

// What is no JSON gives no sensible answer, but an answer.
TEST(JsonLine, EndsOnAnyText) {
  for (size_t size = 0; size <= kJson.size(); ++size) {
    const std::string cut(kJson.substr(0, size));  // so that reads behind its end are seen
    const auto line = json_line(cut, "b.c[1].d[2][1]");
    EXPECT_EQ(line.has_value(), size > kJson.find("4]]")) << size;
    const std::string rest(kJson.substr(size));
    json_line(rest, "b.c");
  }
  for (const char* text : {"]", "}", ",", "\"", "\"\\", "{\"", "[,", "{,}", "[\"\\\""}) {
    json_line(text, "a");
  }
}

}  // namespace
}  // namespace cloister
