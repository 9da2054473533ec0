#include "image/labels.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/temp_dir.h"

namespace cloister {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(Labels, OneALine) {
  EXPECT_THAT(*parse_labels("tench\ngreat white shark, Carcharodon\ncrane\ncrane\nKäfer\n"),
              ElementsAre("tench", "great white shark, Carcharodon", "crane", "crane", "Käfer"));
  EXPECT_THAT(*parse_labels("no end of line"), ElementsAre("no end of line"));
}

TEST(Labels, BadFilesAreNamed) {
  const std::pair<std::string, std::string> table[] = {
      {"", "0 lines, want one for each class"},
      {"\xef\xbb\xbfx\n", "byte order mark"},
      {"a\n\nb\n", "line 2 is empty"},
      {"a\n\n", "line 2 is empty"},
      {"a\r\nb\r\n", "line 1 is 'a\\x0d', want UTF-8 without control characters; line ends must"},
      {"a\nb\x1b[31m\n", "line 2 is 'b\\x1b[31m', want"},
      {"\xff\xfe\n", "line 1 is '\\xff\\xfe', want UTF-8"},
      {std::string("a\0b", 3), "line 1 is 'a\\x00b'"},
      {"a\n" + std::string(257, 'x'), "line 2 has 257 bytes, at most 256"},
  };
  for (const auto& [text, message] : table) {
    const auto refused = parse_labels(text);
    ASSERT_FALSE(refused) << printable(text);
    EXPECT_THAT(refused.error().message, HasSubstr(message));
  }
  EXPECT_TRUE(parse_labels(std::string(256, 'x')));
  std::string many;
  for (size_t i = 0; i <= kMaxLabels; ++i) many += "x\n";
  EXPECT_THAT(parse_labels(many).error().message, HasSubstr("more than 1000000 lines"));
}

TEST(Labels, FilesCarryThePath) {
  const test::TempDir dir;
  EXPECT_EQ(read_labels(dir / "none.txt").error().kind, Kind::kNotFound);
  ASSERT_TRUE(write_file(dir / "l.txt", "a\n\n"));
  EXPECT_THAT(read_labels(dir / "l.txt").error().message, HasSubstr("l.txt': labels: line 2"));
}

}  // namespace
}  // namespace cloister
