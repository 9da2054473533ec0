#include "bundle/archive.h"

#include <thread>

#include "tests/bundle/sample_bundle.h"

namespace cloister::bundle {
namespace {

using test::expect_error;
using test::value_of;

class ArchiveTest : public testing::Test {
 protected:
  Result<Archive> open(const test::Entries& entries, zip_int32_t method = ZIP_CM_STORE) {
    test::write_zip(path_, entries, method);
    return Archive::open(path_);
  }

  test::TempDir dir_;
  fs::path path_ = dir_ / "a.zip";
};

TEST_F(ArchiveTest, Reads) {
  const std::string big(300'000, 'b');
  const Archive archive = value_of(open({{"small", "hello"}, {"empty", ""}, {"big", big}}));
  EXPECT_EQ(archive.items().size(), 3U);
  EXPECT_EQ(archive.items()[2].bytes, big.size());
  EXPECT_EQ(value_of(archive.read("small", 5)), "hello");
  EXPECT_EQ(value_of(archive.read("empty", 5)), "");
  EXPECT_EQ(value_of(archive.read("big", 1 << 20)), big);
  expect_error(archive.read("small", 4), Kind::kInvalid, "'small' has 5 bytes, want at most 4");
  expect_error(archive.read("none", 4), Kind::kNotFound, "no entry 'none'");
}

TEST_F(ArchiveTest, ASourceKeepsTheArchiveOpen) {
  age::Source source;
  {
    const Archive archive = value_of(open({{"a", "0123456789"}}));
    source = value_of(archive.source("a"));
  }
  std::string out(4, '\0');
  const MutableBytes room{reinterpret_cast<std::byte*>(out.data()), out.size()};
  EXPECT_EQ(value_of(source(room)), 4U);
  EXPECT_EQ(out, "0123");
  EXPECT_EQ(value_of(source(room)), 4U);
  EXPECT_EQ(value_of(source(room)), 2U);
  EXPECT_EQ(value_of(source(room)), 0U);
}

TEST_F(ArchiveTest, FromManyThreads) {
  const Archive archive =
      value_of(open({{"a", std::string(500'000, 'a')}, {"b", std::string(500'000, 'b')}}));
  std::vector<std::thread> threads;
  std::atomic<int> wrong = 0;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&, name = i % 2 == 0 ? "a" : "b"] {
      for (int k = 0; k < 5; ++k) {
        if (archive.read(name, 1 << 20).value_or("") != std::string(500'000, name[0])) ++wrong;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

TEST_F(ArchiveTest, WhatIsNone) {
  expect_error(Archive::open(dir_ / "none"), Kind::kNotFound, "no file");
  expect_error(Archive::open(dir_.path()), Kind::kIo, "not a regular file");
  ASSERT_TRUE(write_file(path_, "not a zip"));
  expect_error(Archive::open(path_), Kind::kInvalid, "is not a bundle");
  ASSERT_TRUE(write_file(path_, ""));
  EXPECT_FALSE(Archive::open(path_));
}

TEST_F(ArchiveTest, StoredOnly) {
  expect_error(open({{"a", std::string(1000, 'x')}}, ZIP_CM_DEFLATE), Kind::kInvalid,
               "entry 'a': compression method 8, want 0 (stored)");
}

TEST_F(ArchiveTest, TooManyEntries) {
  test::Entries entries;
  for (int i = 0; i < 33; ++i) entries.emplace_back(std::to_string(i), "");
  expect_error(open(entries), Kind::kInvalid, "33 entries, want at most 32");
}

// libzip makes no such file: the name of the second is changed afterwards.
TEST_F(ArchiveTest, TheSameNameTwice) {
  test::write_zip(path_, {{"nameA", "x"}, {"nameB", "y"}});
  std::string file = *read_file(path_);
  for (size_t at = 0; (at = file.find("nameB", at)) != std::string::npos;) file[at + 4] = 'A';
  ASSERT_TRUE(write_file(path_, file));
  expect_error(Archive::open(path_), Kind::kInvalid, "already exists");
}

TEST_F(ArchiveTest, TruncatedAtAnyPlace) {
  test::write_zip(path_, {{"a", "hello"}, {"b", "world"}});
  const std::string file = *read_file(path_);
  for (size_t size = 0; size < file.size(); ++size) {
    ASSERT_TRUE(write_file(path_, file.substr(0, size)));
    EXPECT_FALSE(Archive::open(path_)) << size;
  }
}

TEST_F(ArchiveTest, CutShortWhileItIsRead) {
  const Archive archive = value_of(open({{"a", std::string(200'000, 'x')}}));
  fs::resize_file(path_, 1000);
  expect_error(archive.read("a", 1 << 20), Kind::kInvalid, "entry 'a'");
}

}  // namespace
}  // namespace cloister::bundle
