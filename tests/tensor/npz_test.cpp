#include "tensor/npz.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zip.h>

#include <sstream>

#include "tests/support/data.h"
#include "tests/support/temp_dir.h"

namespace cloister {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string npy(const Tensor& tensor) {
  std::ostringstream out;
  EXPECT_TRUE(write_npy(out, tensor.view()));
  return out.str();
}

std::string npy(int64_t count) {
  return npy(*Tensor::make(DType::kF32, {count}));
}

// A ZIP of raw entries, as libzip makes it.
struct RawEntry {
  std::string name;
  std::string content;
  int method = ZIP_CM_STORE;
  bool encrypted = false;
};

std::string archive(const test::TempDir& dir, const std::vector<RawEntry>& entries) {
  const std::string path = dir / "raw.zip";
  int code = 0;
  zip_t* zip = zip_open(path.c_str(), ZIP_CREATE | ZIP_TRUNCATE, &code);
  for (const RawEntry& e : entries) {
    zip_source_t* source = zip_source_buffer(zip, e.content.data(), e.content.size(), 0);
    const auto index = static_cast<zip_uint64_t>(zip_file_add(zip, e.name.c_str(), source, 0));
    EXPECT_EQ(zip_set_file_compression(zip, index, e.method, 0), 0);
    if (e.encrypted) {
      EXPECT_EQ(zip_file_set_encryption(zip, index, ZIP_EM_AES_256, "secret"), 0);
    }
  }
  EXPECT_EQ(zip_close(zip), 0);
  return *read_file(path);
}

// Overwrites every occurrence, local header and directory alike.
std::string replaced(std::string text, const std::string& from, const std::string& to) {
  for (size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size()) {
    text.replace(at, from.size(), to);
  }
  return text;
}

std::string little_endian(uint32_t value) {
  return {reinterpret_cast<const char*>(&value), sizeof(value)};
}

TEST(Npz, ReadsWhatNumpyWrote) {
  for (const std::string name : {"plain", "compressed"}) {
    const auto arrays = read_npz(test::data_path("npy/" + name + ".npz"));
    ASSERT_TRUE(arrays) << arrays.error().message;
    ASSERT_EQ(arrays->size(), 4U);
    EXPECT_EQ((*arrays)[0].name, "x");
    EXPECT_EQ((*arrays)[0].tensor.shape(), Shape({2, 3}));
    EXPECT_THAT((*arrays)[0].tensor.as<float>(), ElementsAre(0, 1, -2.5, 100, -0.125, 7));
    EXPECT_EQ((*arrays)[1].name, "labels");
    EXPECT_THAT((*arrays)[1].tensor.as<int64_t>(), ElementsAre(0, 1, 2, 3));
    EXPECT_EQ((*arrays)[2].name, "a/b");
    EXPECT_EQ((*arrays)[2].tensor.dtype(), DType::kBool);
    EXPECT_EQ((*arrays)[3].tensor.shape(), Shape({0, 2}));
  }
  EXPECT_TRUE(read_npz(test::data_path("npy/nothing.npz"))->empty());
}

TEST(Npz, RoundTripIsDeterministic) {
  const test::TempDir dir;
  const std::vector<NamedTensor> arrays = *read_npz(test::data_path("npy/compressed.npz"));
  ASSERT_TRUE(write_npz(dir / "a.npz", arrays));
  ASSERT_TRUE(write_file(dir / "b.npz", "old"));
  ASSERT_TRUE(write_npz(dir / "b.npz", arrays)) << "replaces a file that is no archive";
  EXPECT_EQ(*read_file(dir / "a.npz"), *read_file(dir / "b.npz"));
  const auto again = read_npz(dir / "a.npz");
  ASSERT_TRUE(again) << again.error().message;
  ASSERT_EQ(again->size(), arrays.size());
  for (size_t i = 0; i < arrays.size(); ++i) {
    EXPECT_EQ((*again)[i].name, arrays[i].name);
    EXPECT_EQ((*again)[i].tensor.dtype(), arrays[i].tensor.dtype());
    EXPECT_EQ((*again)[i].tensor.shape(), arrays[i].tensor.shape());
    EXPECT_EQ(as_text((*again)[i].tensor.data()), as_text(arrays[i].tensor.data()));
  }
  EXPECT_EQ(std::distance(fs::directory_iterator(dir.path()), {}), 2) << "no temporary files left";
}

TEST(Npz, BigEndianAndFortranEntries) {
  const test::TempDir dir;
  const std::string file =
      archive(dir, {{"a.npy", *read_file(test::data_path("npy/big-fortran.npy"))},
                    {"b.npy", *read_file(test::data_path("npy/fortran.npy")), ZIP_CM_DEFLATE}});
  const auto arrays = parse_npz(as_bytes(file));
  ASSERT_TRUE(arrays) << arrays.error().message;
  EXPECT_THAT((*arrays)[0].tensor.as<float>(), ElementsAre(0, 1, 2, 3, 4, 5));
  EXPECT_EQ((*arrays)[1].tensor.as<int32_t>()[23], 23);
}

TEST(Npz, LargeEntriesPassTheHeaderBuffer) {
  const test::TempDir dir;
  Tensor tensor = *Tensor::make(DType::kU32, {300, 1000});
  for (uint32_t i = 0; i < 300000; ++i) tensor.mutable_as<uint32_t>()[i] = i;
  const std::string file = archive(dir, {{"a.npy", npy(tensor), ZIP_CM_DEFLATE}});
  const auto arrays = parse_npz(as_bytes(file));
  ASSERT_TRUE(arrays) << arrays.error().message;
  EXPECT_EQ(as_text((*arrays)[0].tensor.data()), as_text(tensor.data()));
}

TEST(Npz, EveryTruncationFails) {
  for (const std::string name : {"plain", "compressed"}) {
    const std::string whole = *read_file(test::data_path("npy/" + name + ".npz"));
    for (size_t length = 0; length < whole.size(); ++length) {
      const auto cut = parse_npz(as_bytes(whole).first(length));
      ASSERT_FALSE(cut) << name << " at " << length;
      EXPECT_EQ(cut.error().kind, Kind::kInvalid) << name << " at " << length;
    }
  }
}

TEST(Npz, EveryFlippedByteIsSurvived) {
  const std::string whole = *read_file(test::data_path("npy/compressed.npz"));
  for (size_t at = 0; at < whole.size(); ++at) {
    std::string flipped = whole;
    flipped[at] = static_cast<char>(~flipped[at]);
    const auto parsed = parse_npz(as_bytes(flipped));
    if (!parsed) {
      EXPECT_NE(parsed.error().message, "");
    }
  }
}

TEST(Npz, BadArchivesAreNamed) {
  const test::TempDir dir;
  const std::string two = archive(dir, {{"a.npy", npy(3)}, {"b.npy", npy(3)}});
  const std::string data = npy(*Tensor::copy_of(DType::kU8, {8}, as_bytes("CRCCRC!!")));
  const std::string stored = archive(dir, {{"a.npy", data}});
  const std::string zeros = archive(dir, {{"a.npy", npy(1000), ZIP_CM_DEFLATE}});
  const std::string stored_size = little_endian(static_cast<uint32_t>(data.size()));
  const std::pair<std::string, std::string> table[] = {
      {"", "not an .npz file"},
      {"hello", "not an .npz file"},
      {replaced(two, "b.npy", "a.npy"), "array 'a' occurs twice"},
      {archive(dir, {{"readme.txt", "hello"}}), "entry 'readme.txt': not an .npy"},
      {archive(dir, {{".npy", npy(3)}}), "an array has no name"},
      {archive(dir, {{"a.npy", "hello"}}), "entry 'a.npy': npy header: 5 bytes left, need 6"},
      {archive(dir, {{"a.npy", ""}}), "entry 'a.npy': npy header: 0 bytes left"},
      {archive(dir, {{"a.npy", npy(3) + "x"}}), "npy data has 13 bytes, f32 [3] needs 12"},
      {archive(dir, {{"a.npy", npy(3).substr(0, 130)}}), "npy data has 2 bytes, f32 [3] needs 12"},
      {archive(dir, {{"a.npy", npy(3), ZIP_CM_STORE, true}}), "entry 'a.npy': is encrypted"},
      {archive(dir, {{"a.npy", npy(3), ZIP_CM_BZIP2}}), "compression method 12, want 0"},
      {replaced(stored, "CRCCRC!!", "CRCCRC!?"), "entry 'a.npy': damaged: CRC"},
      // A directory that says 4 GB of a few packed bytes.
      {replaced(zeros, little_endian(4128), little_endian(4000000000)), "4000000000 bytes, but"},
      {replaced(stored, stored_size, little_endian(3000000)), "3000000 packed bytes in an archive"},
  };
  for (const auto& [bytes, message] : table) {
    const auto refused = parse_npz(as_bytes(bytes));
    ASSERT_FALSE(refused) << message;
    EXPECT_THAT(refused.error().message, HasSubstr(message));
  }
}

TEST(Npz, TheLimitIsForAllArraysTogether) {
  const test::TempDir dir;
  const std::string file = archive(dir, {{"a.npy", npy(250)}, {"b.npy", npy(250)}});
  EXPECT_TRUE(parse_npz(as_bytes(file), 2 * (128 + 1000)));
  EXPECT_THAT(parse_npz(as_bytes(file), 2 * (128 + 1000) - 1).error().message,
              HasSubstr("entry 'b.npy': needs 1128 bytes, 1127 are left"));
}

TEST(Npz, WriteRefusesBadArraysAndKeepsTheOldFile) {
  const test::TempDir dir;
  const fs::path path = dir / "a.npz";
  ASSERT_TRUE(write_file(path, "old"));
  const Tensor x = *Tensor::make(DType::kF32, {2});
  const auto message = [&](const std::vector<NamedTensor>& arrays) {
    return write_npz(path, arrays).error().message;
  };
  EXPECT_THAT(message({}), HasSubstr("at least one array"));
  EXPECT_THAT(message({{"a", x}, {"a", x}}), HasSubstr("'a' occurs twice"));
  EXPECT_THAT(message({{"", x}}), HasSubstr("no name"));
  EXPECT_THAT(message({{"\xff", x}}), HasSubstr("'\\xff': a name is UTF-8"));
  EXPECT_THAT(message({{"a", *Tensor::make(DType::kBF16, {2})}}), HasSubstr("'a': npy has no"));
  EXPECT_EQ(read_file(path), "old");
  EXPECT_EQ(write_npz(dir / "no" / "a.npz", std::vector<NamedTensor>{{"a", x}}).error().kind,
            Kind::kIo);
}

TEST(Npz, NumpyReadsWhatWeWrite) {
  if (std::system("/usr/bin/python3 -c 'import numpy' 2>/dev/null") != 0) {
    GTEST_SKIP() << "/usr/bin/python3 has no numpy";
  }
  const test::TempDir dir;
  std::vector<NamedTensor> arrays = *read_npz(test::data_path("npy/plain.npz"));
  arrays.push_back({"größe", *Tensor::make(DType::kF64, {2, 2})});
  ASSERT_TRUE(write_npz(dir / "x.npz", arrays));
  const std::string script =
      "import sys, numpy as n; a, b = map(n.load, sys.argv[1:]); "
      "sys.exit(not (all(n.array_equal(a[k], b[k]) for k in b.files) and len(a.files) == 5 and "
      "a['größe'].shape == (2, 2)))";
  EXPECT_EQ(
      std::system(fmt::format("/usr/bin/python3 -c \"{}\" '{}' '{}'", script,
                              (dir / "x.npz").string(), test::data_path("npy/plain.npz").string())
                      .c_str()),
      0);
}

}  // namespace
}  // namespace cloister
