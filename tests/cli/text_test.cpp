// What flags say in words.
#include "cli/text.h"

#include <gtest/gtest.h>

namespace cloister {
namespace {

TEST(Text, SeparatorsInWordsAndAsTheyAre) {
  const std::pair<std::string, char> table[] = {{"", '\0'},   {"comma", ','}, {"semicolon", ';'},
                                                {";", ';'},   {"tab", '\t'},  {"\\t", '\t'},
                                                {"\t", '\t'}, {"bar", '|'},   {"^", '^'}};
  for (const auto& [text, sign] : table) EXPECT_EQ(*parse_separator(text), sign) << text;
  for (const char* text : {"x", "7", "\"", " ", "\n", ";;", "colon", "\xc2"}) {
    const auto found = parse_separator(text);
    ASSERT_FALSE(found) << text;
    EXPECT_EQ(found.error().kind, Kind::kUsage);
  }
}

}  // namespace
}  // namespace cloister
