#include "base/parse_file.h"

#include <gtest/gtest.h>

#include "tests/support/temp_dir.h"

namespace cloister {
namespace {

Result<size_t> length(std::string_view text) {
  if (text.empty()) return invalid("nothing in it");
  return text.size();
}

TEST(ParseFile, ErrorsNameTheFile) {
  const test::TempDir dir;
  ASSERT_TRUE(write_file(dir / "full", "hello"));
  ASSERT_TRUE(write_file(dir / "empty", ""));
  EXPECT_EQ(parse_file(dir / "full", 5, length), 5u);
  const auto empty = parse_file(dir / "empty", 5, length);
  ASSERT_FALSE(empty);
  EXPECT_EQ(empty.error().message, fmt::format("'{}': nothing in it", (dir / "empty").string()));
  EXPECT_EQ(empty.error().kind, Kind::kInvalid);
  EXPECT_FALSE(parse_file(dir / "full", 4, length));
  const auto missing = parse_file(dir / "none", 5, length);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().kind, Kind::kNotFound);
}

}  // namespace
}  // namespace cloister
