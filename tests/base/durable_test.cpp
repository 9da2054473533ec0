#include "base/durable.h"

#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>

#include "tests/support/result.h"
#include "tests/support/temp_dir.h"

namespace cloister {
namespace {

using test::expect_error;
using test::value_of;

class Durable : public testing::Test {
 protected:
  test::TempDir dir_;
  fs::path path_ = dir_ / "file";
};

mode_t mode_of(const fs::path& path) {
  struct stat status {};
  EXPECT_EQ(::stat(path.c_str(), &status), 0);
  return status.st_mode & 0777;
}

TEST_F(Durable, WritesAndReplaces) {
  ASSERT_TRUE(write_durably(path_, "one"));
  ASSERT_TRUE(write_durably(path_, "two"));
  EXPECT_EQ(value_of(read_file(path_)), "two");
  EXPECT_EQ(mode_of(path_), 0600U);
  EXPECT_EQ(std::distance(fs::directory_iterator(dir_.path()), {}), 1);
  expect_error(write_durably(dir_ / "none" / "file", "x"), Kind::kIo, "can't write");
  fs::create_directory(dir_ / "folder");
  expect_error(write_durably(dir_ / "folder", "x"), Kind::kIo, "can't write");
  EXPECT_EQ(std::distance(fs::directory_iterator(dir_.path()), {}), 2);
}

TEST_F(Durable, GrowsAndIsCut) {
  {
    AppendFile file = value_of(AppendFile::open(path_));
    EXPECT_EQ(file.size(), 0U);
    ASSERT_TRUE(file.append("one\n"));
    ASSERT_TRUE(file.append("two\nthr"));
    EXPECT_EQ(as_text(value_of(file.map())->bytes()), "one\ntwo\nthr");
    expect_error(AppendFile::open(path_), Kind::kUnavailable, "in use by another process");
  }
  AppendFile file = value_of(AppendFile::open(path_));
  EXPECT_EQ(file.size(), 11U);
  ASSERT_TRUE(file.cut(8));
  ASSERT_TRUE(file.append("three\n"));
  EXPECT_EQ(value_of(read_file(path_)), "one\ntwo\nthree\n");
  EXPECT_EQ(mode_of(path_), 0600U);
  expect_error(AppendFile::open(dir_.path()), Kind::kIo, "can't open");
}

// A disk that is full in the middle of a line leaves no half of it.
TEST_F(Durable, WhatDoesNotFitLeavesNothing) {
  AppendFile file = value_of(AppendFile::open(path_));
  ASSERT_TRUE(file.append("one\n"));
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const rlimit low{10, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &low), 0);
  const auto old = std::signal(SIGXFSZ, SIG_IGN);
  const Result<> appended = file.append("a line that is too long\n");
  std::signal(SIGXFSZ, old);
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  expect_error(appended, Kind::kIo, "can't write");
  EXPECT_EQ(value_of(read_file(path_)), "one\n");
  ASSERT_TRUE(file.append("two\n"));
  EXPECT_EQ(value_of(read_file(path_)), "one\ntwo\n");
}

}  // namespace
}  // namespace cloister
