#include "base/words.h"

#include "tests/support/result.h"

namespace cloister {
namespace {

enum class Colour { kRed, kGreen, kNone };
constexpr Word<Colour> kColours[] = {{Colour::kRed, "red"}, {Colour::kGreen, "green"}};

TEST(Words, BothWays) {
  for (const auto& [value, word] : kColours) {
    Colour again = Colour::kNone;
    ASSERT_TRUE(value_of_word(kColours, word, again));
    EXPECT_EQ(again, value);
    EXPECT_EQ(word_of(kColours, value), word);
  }
  EXPECT_EQ(word_of(kColours, Colour::kNone), "?");
  EXPECT_EQ(word_of(kColours, Colour::kNone, "none"), "none");
}

TEST(Words, AnUnknownOneNamesThoseThatAreKnown) {
  Colour colour = Colour::kNone;
  test::expect_error(value_of_word(kColours, "re\td", colour), Kind::kInvalid,
                     "'re\\x09d', want red, green");
  test::expect_error(value_of_word(kColours, "", colour, Kind::kUsage, "colour"), Kind::kUsage,
                     "colour '', want red, green");
  EXPECT_EQ(colour, Colour::kNone);
}

TEST(Words, AsAChoice) {
  EXPECT_EQ(or_text({}), "");
  EXPECT_EQ(or_text({"a"}), "a");
  EXPECT_EQ(or_text({"a", "b"}), "a or b");
  EXPECT_EQ(or_text({"a", "b", "c"}), "a, b or c");
}

}  // namespace
}  // namespace cloister
