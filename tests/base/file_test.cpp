#include "base/file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "tests/support/temp_dir.h"

namespace cloister {
namespace {

TEST(File, WritesAndReadsBack) {
  const test::TempDir dir;
  ASSERT_TRUE(write_file(dir / "a", "hello"));
  EXPECT_EQ(read_file(dir / "a"), "hello");
  EXPECT_EQ(as_text((*MappedFile::open(dir / "a"))->bytes()), "hello");
  EXPECT_EQ(std::distance(fs::directory_iterator(dir.path()), {}), 1);
}

TEST(File, AFailedWriteLeavesTheOldFile) {
  const test::TempDir dir;
  ASSERT_TRUE(write_file(dir / "a", "old"));
  const auto failed = write_file(dir / "a", [](std::ostream& out) -> Result<> {
    out << "half";
    return invalid("no more");
  });
  EXPECT_FALSE(failed);
  EXPECT_EQ(read_file(dir / "a"), "old");
  EXPECT_EQ(std::distance(fs::directory_iterator(dir.path()), {}), 1);
}

TEST(File, MissingEmptyFolderAndFifo) {
  const test::TempDir dir;
  EXPECT_EQ(read_file(dir / "none").error().kind, Kind::kNotFound);
  EXPECT_EQ(MappedFile::open(dir / "none").error().kind, Kind::kNotFound);
  ASSERT_TRUE(write_file(dir / "empty", ""));
  EXPECT_TRUE((*MappedFile::open(dir / "empty"))->bytes().empty());
  EXPECT_EQ(MappedFile::open(dir.path()).error().kind, Kind::kIo);
  ASSERT_EQ(::mkfifo((dir / "fifo").c_str(), 0600), 0);
  EXPECT_EQ(read_file(dir / "fifo").error().kind, Kind::kIo);
}

TEST(File, TooLargeNamesBothSizes) {
  const test::TempDir dir;
  ASSERT_TRUE(write_file(dir / "a", "hello"));
  EXPECT_NE(read_file(dir / "a", 4).error().message.find("5 bytes, at most 4"), std::string::npos);
}

TEST(ResolveInside, StaysInTheFolder) {
  const test::TempDir dir;
  fs::create_directory(dir / "model");
  fs::create_directory(dir / "model-evil");
  ASSERT_TRUE(write_file(dir / "secret", "s"));
  ASSERT_TRUE(write_file(dir / "model-evil" / "w", "w"));
  ASSERT_TRUE(write_file(dir / "model" / "w", "w"));
  fs::create_symlink(dir / "secret", dir / "model" / "link");
  fs::create_symlink("w", dir / "model" / "inner");

  EXPECT_TRUE(resolve_inside(dir / "model", "w"));
  EXPECT_TRUE(resolve_inside(dir / "model", "./inner"));
  for (const std::string& bad : {std::string("../secret"), std::string("a/../../secret"),
                                 (dir / "secret").string(), std::string("link"), std::string(""),
                                 std::string("w\0x", 3), std::string("../model-evil/w")}) {
    const auto refused = resolve_inside(dir / "model", bad);
    ASSERT_FALSE(refused) << bad;
    EXPECT_EQ(refused.error().kind, Kind::kRefused) << bad;
  }
  EXPECT_EQ(resolve_inside(dir / "model", "none").error().kind, Kind::kNotFound);
}

TEST(File, NewFilesAreNeverReplaced) {
  const test::TempDir dir;
  for (const bool secret : {true, false}) {
    const fs::path path = dir / (secret ? "secret" : "other");
    ASSERT_TRUE(write_new_file(path, as_bytes("hello"), secret));
    EXPECT_EQ(read_file(path), "hello");
    const auto others = fs::perms::group_all | fs::perms::others_all;
    EXPECT_EQ((fs::status(path).permissions() & others) == fs::perms::none, secret);
    const auto again = write_new_file(path, as_bytes("more"), secret);
    ASSERT_FALSE(again);
    EXPECT_EQ(again.error().kind, Kind::kUsage);
    EXPECT_EQ(read_file(path), "hello");
  }
  fs::create_symlink(dir / "none", dir / "link");
  EXPECT_FALSE(write_new_file(dir / "link", as_bytes("x"), true));
  EXPECT_EQ(write_new_file((dir / "no") / "folder", {}, true).error().kind, Kind::kNotFound);
}

}  // namespace
}  // namespace cloister
