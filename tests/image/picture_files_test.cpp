// Which files are taken for pictures, and how the others are named.
#include "image/picture_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/temp_dir.h"

namespace cloister {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class PictureFilesTest : public testing::Test {
 protected:
  void put(const std::string& file) {
    fs::create_directories((dir_ / file).parent_path());
    ASSERT_TRUE(write_file(dir_ / file, "x"));
  }
  test::TempDir dir_;
};

TEST_F(PictureFilesTest, AreFoundByName) {
  for (const char* file :
       {"b/z.png", "a.JPEG", "b/c/d.jpg", "x.gif", "b/y.webp", "b/a.webp", "README", ".DS_Store"}) {
    put(file);
  }
  const auto found = list_pictures(dir_.path());
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_THAT(found->files, ElementsAre("a.JPEG", "b/c/d.jpg", "b/z.png"));
  EXPECT_EQ(found->others.count, 5U);
  EXPECT_EQ(passed_over_text(found->others),
            "5 files are no JPEG or PNG pictures and were passed over: 2 other ('.DS_Store', ...), "
            "1 .gif ('x.gif'), 2 .webp ('b/a.webp', ...)");
  EXPECT_THAT(passed_over_text({}), IsEmpty());
  EXPECT_EQ(list_pictures(dir_ / "none").error().kind, Kind::kNotFound);
}

TEST_F(PictureFilesTest, ArgumentsMayBeFolders) {
  put("one/b.png");
  put("one/a.png");
  put("one/n.txt");
  put("two/n.txt");
  OtherFiles others;
  const std::string one = dir_ / "one", two = dir_ / "two";
  const auto files = expand_folders({"first.gif", one, "last.png"}, others);
  ASSERT_TRUE(files) << files.error().message;
  EXPECT_THAT(*files, ElementsAre("first.gif", one + "/a.png", one + "/b.png", "last.png"));
  EXPECT_THAT(passed_over_text(others), HasSubstr("1 .txt ('" + one + "/n.txt')"));
  EXPECT_THAT(expand_folders({two}, others).error().message,
              HasSubstr("no JPEG or PNG pictures among 1 other files"));
}

TEST_F(PictureFilesTest, ManyEndingsAreNotAllListed) {
  for (int i = 0; i < 100; ++i) put(fmt::format("f.{}", i));
  const auto found = list_pictures(dir_.path());
  ASSERT_TRUE(found);
  EXPECT_EQ(found->others.count, 100U);
  EXPECT_LE(found->others.endings.size(), 21U);
}

}  // namespace
}  // namespace cloister
