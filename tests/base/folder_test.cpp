#include "base/folder.h"

#include <gtest/gtest.h>

#include "tests/support/temp_dir.h"

namespace cloister {
namespace {

TEST(Folder, IsMadeWithThoseAboveIt) {
  const test::TempDir dir;
  EXPECT_TRUE(make_folder(dir / "a" / "b"));
  EXPECT_TRUE(make_folder(dir / "a" / "b"));
  EXPECT_TRUE(fs::is_directory(dir / "a" / "b"));
  ASSERT_TRUE(write_file(dir / "file", ""));
  const auto below_a_file = make_folder(dir / "file" / "x");
  ASSERT_FALSE(below_a_file);
  EXPECT_EQ(below_a_file.error().kind, Kind::kIo);
}

}  // namespace
}  // namespace cloister
