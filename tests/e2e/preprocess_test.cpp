// cloister-preprocess as users run it: what it writes, prints and exits with.
#include "image/preprocess.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/sha256.h"
#include "tensor/npy.h"
#include "tests/support/program.h"

namespace cloister {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

class PreprocessProgram : public test::ProgramTest {
 protected:
  PreprocessProgram() : ProgramTest(CLOISTER_PREPROCESS) {}

  static std::string picture(const std::string& name) { return test::data_path("image/" + name); }
};

TEST_F(PreprocessProgram, StacksPicturesIntoABatch) {
  EXPECT_THAT(done({picture("color.png"), picture("gray.jpg"), "-o", "x.npy"}),
              StartsWith("x.npy  f32  [2,3,224,224]  "));
  EXPECT_EQ(read_npy(dir_ / "x.npy")->shape(), Shape({2, 3, 224, 224}));
}

TEST_F(PreprocessProgram, TakesTheFoldersOfPictures) {
  fs::create_directories(dir_ / "photos/b");
  fs::copy_file(picture("color.png"), dir_ / "photos/b/color.png");
  fs::copy_file(picture("gray.jpg"), dir_ / "photos/a.JPG");
  fs::copy_file(picture("gray.jpg"), dir_ / "photos/c.webp");
  const test::Finished folder = run({"photos", picture("one.png"), "-o", "x.npy"});
  EXPECT_EQ(folder.code, 0) << folder.err;
  EXPECT_THAT(folder.err, HasSubstr("note: 1 file is no JPEG or PNG picture and was passed over: 1 "
                                    ".webp ('photos/c.webp')"));
  done({(dir_ / "photos/a.JPG").string(), (dir_ / "photos/b/color.png").string(),
        picture("one.png"), "-o", "y.npy"});
  EXPECT_EQ(*read_file(dir_ / "x.npy"), *read_file(dir_ / "y.npy"));
  fs::create_directory(dir_ / "empty");
  fails({"empty", "-o", "x.npy"}, 1, "cloister preprocess",
        "'empty': no JPEG or PNG pictures among 0 other files");
}

TEST_F(PreprocessProgram, FlagsOverrideAndTheRecordRepeatsThem) {
  const std::string out = done(
      {picture("color.png"), "--preset", "half", "--resize",   "20x10",   "--crop",   "none",
       "--mean=-1,0,1",      "--std",    "2",    "--channels", "bgr",     "--layout", "nhwc",
       "--interpolation",    "area",     "-o",   "x.npy",      "--write", "p.json",   "--json"});
  const auto json = nlohmann::json::parse(out);
  EXPECT_EQ(json["written"][0]["shape"], Shape({1, 10, 20, 3}));
  EXPECT_EQ(json["written"][0]["sha256"], to_hex(sha256(as_bytes(*read_file(dir_ / "x.npy")))));
  EXPECT_EQ(json["written"][1]["path"], "p.json");
  done({picture("color.png"), "--preprocess", "p.json", "-o", "y.npy"});
  EXPECT_EQ(*read_file(dir_ / "x.npy"), *read_file(dir_ / "y.npy"));
}

TEST_F(PreprocessProgram, WritesTheRecordAndLabelsWithoutPictures) {
  fs::create_directory(dir_ / "model");
  ASSERT_TRUE(write_file(dir_ / "l.txt", "cat\ndog"));
  done({"--preset", "tiny-imagenet", "--write", "model/preprocess.json", "--labels", "l.txt"});
  EXPECT_EQ(*read_file(dir_ / "model/labels.txt"), "cat\ndog\n");
  EXPECT_EQ(*read_preprocess(dir_ / "model/preprocess.json"), *preprocess_preset("tiny-imagenet"));
}

TEST_F(PreprocessProgram, HelpHasExamples) {
  EXPECT_THAT(done({"--help"}), HasSubstr("Examples:"));
}

TEST_F(PreprocessProgram, ErrorsAreOneLineAndWriteNothing) {
  ASSERT_TRUE(write_file(dir_ / "bad.txt", "a\n\n"));
  ASSERT_TRUE(write_file(dir_ / "bad.json", "{}"));
  const std::string color = picture("color.png");
  const std::tuple<test::Arguments, int, std::string> table[] = {
      {{}, 2, "nothing to do"},
      {{"--bogus"}, 2, "--bogus"},
      {{color}, 2, "pictures, but no -o"},
      {{"-o", "x.npy"}, 2, "no pictures"},
      {{"--labels", "bad.txt", color, "-o", "x.npy"}, 2, "give --write too"},
      {{"--preset", "nope", "--write", "p.json"}, 2, "no preset 'nope'"},
      {{"--preset", "half", "--preprocess", "bad.json", "--write", "p.json"}, 2, "excludes"},
      {{"--crop", "1y", "--write", "p.json"}, 2, "--crop: '1y', want"},
      {{"--resize", "5x", "--write", "p.json"}, 2, "--resize: '', want"},
      {{"--crop", "999", "--write", "p.json"}, 2, "crop: 999x999, want a side of at most the 256"},
      {{"--mean", "1,2", "--write", "p.json"}, 2, "mean: 2 numbers, want 1 or 3"},
      {{"--mean", "1,,2", "--write", "p.json"}, 2, "--mean: '1,,2', want numbers"},
      {{"--std", "nan", "--write", "p.json"}, 2, "std: nan, want"},
      {{"--std", "0", "--write", "p.json"}, 2, "std: 0, want"},
      {{"--channels", "gray", "--write", "p.json"}, 2, "mean: 3 numbers, want 1"},
      {{"--layout", "chw", "--write", "p.json"}, 2, "--layout: 'chw', want nchw, nhwc"},
      {{"--preprocess", "bad.json", "--write", "p.json"},
       1,
       "bad.json': preprocess record: no key"},
      {{"--preprocess", "none.json", "--write", "p.json"}, 1, "none.json"},
      {{"--labels", "bad.txt", "--write", "p.json"}, 1, "line 2 is empty"},
      {{"none.png", "-o", "x.npy"}, 1, "can't open 'none.png'"},
      {{picture("text.png"), "-o", "x.npy"}, 1, "want a JPEG or PNG picture"},
      {{picture("bomb-side.png"), "-o", "x.npy"}, 1, "declares 60000x60000"},
      {{color, picture("rotated.jpg"), "--preset", "raw", "-o", "x.npy"},
       1,
       "gives [1,3,37,23], the pictures before it [1,3,23,37]"},
      {{color, "-o", "bad.txt/x.npy"}, 1, "can't make folder 'bad.txt'"},
  };
  for (const auto& [arguments, code, message] : table) {
    fails(arguments, code, "cloister preprocess", message);
    EXPECT_FALSE(fs::exists(dir_ / "x.npy") || fs::exists(dir_ / "p.json"));
  }
}

TEST_F(PreprocessProgram, AFullDiskLeavesNothingBehind) {
  options_.max_file_bytes = 100'000;
  fails({picture("color.png"), "-o", "x.npy"}, 1, "cloister preprocess", "can't write 'x.npy'");
  EXPECT_THAT(files(), testing::IsEmpty());
}

}  // namespace
}  // namespace cloister
