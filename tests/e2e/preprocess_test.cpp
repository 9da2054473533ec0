// cloister-preprocess as users run it: what it writes, prints and exits with.
#include "image/preprocess.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <nlohmann/json.hpp>

#include "base/sha256.h"
#include "tensor/npy.h"
#include "tests/support/data.h"
#include "tests/support/temp_dir.h"

namespace cloister {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

struct Outcome {
  int code;
  std::string out;
  std::string err;
};

class PreprocessProgram : public testing::Test {
 protected:
  // Runs the program in the temporary folder.
  Outcome run(const std::string& arguments) {
    const std::string command = fmt::format("cd '{}' && '{}' {} >.out 2>.err", dir_.path().string(),
                                            CLOISTER_PREPROCESS, arguments);
    const int status = std::system(command.c_str());
    return {WEXITSTATUS(status), *read_file(dir_ / ".out"), *read_file(dir_ / ".err")};
  }

  static std::string picture(const std::string& name) {
    return fmt::format("'{}'", test::data_path("image/" + name).string());
  }

  test::TempDir dir_;
};

TEST_F(PreprocessProgram, StacksPicturesIntoABatch) {
  const Outcome done =
      run(fmt::format("{} {} -o x.npy", picture("color.png"), picture("gray.jpg")));
  EXPECT_EQ(done.code, 0) << done.err;
  EXPECT_EQ(done.err, "");
  EXPECT_THAT(done.out, StartsWith("x.npy  f32  [2,3,224,224]  "));
  EXPECT_EQ(read_npy(dir_ / "x.npy")->shape(), Shape({2, 3, 224, 224}));
}

TEST_F(PreprocessProgram, FlagsOverrideAndTheRecordRepeatsThem) {
  const Outcome done = run(fmt::format(
      "{} --preset half --resize 20x10 --crop none --mean=-1,0,1 --std 2 --channels bgr "
      "--layout nhwc --interpolation area -o x.npy --write p.json --json",
      picture("color.png")));
  ASSERT_EQ(done.code, 0) << done.err;
  const auto json = nlohmann::json::parse(done.out);
  EXPECT_EQ(json["written"][0]["shape"], Shape({1, 10, 20, 3}));
  EXPECT_EQ(json["written"][0]["sha256"], to_hex(sha256(as_bytes(*read_file(dir_ / "x.npy")))));
  EXPECT_EQ(json["written"][1]["path"], "p.json");
  const Outcome again = run(fmt::format("{} --preprocess p.json -o y.npy", picture("color.png")));
  ASSERT_EQ(again.code, 0) << again.err;
  EXPECT_EQ(*read_file(dir_ / "x.npy"), *read_file(dir_ / "y.npy"));
}

TEST_F(PreprocessProgram, WritesTheRecordAndLabelsWithoutPictures) {
  fs::create_directory(dir_ / "model");
  ASSERT_TRUE(write_file(dir_ / "l.txt", "cat\ndog"));
  const Outcome done = run("--preset tiny-imagenet --write model/preprocess.json --labels l.txt");
  ASSERT_EQ(done.code, 0) << done.err;
  EXPECT_EQ(*read_file(dir_ / "model/labels.txt"), "cat\ndog\n");
  EXPECT_EQ(*read_preprocess(dir_ / "model/preprocess.json"), *preprocess_preset("tiny-imagenet"));
}

TEST_F(PreprocessProgram, HelpHasExamples) {
  const Outcome help = run("--help");
  EXPECT_EQ(help.code, 0);
  EXPECT_THAT(help.out, HasSubstr("Examples:"));
}

TEST_F(PreprocessProgram, ErrorsAreOneLineAndWriteNothing) {
  ASSERT_TRUE(write_file(dir_ / "bad.txt", "a\n\n"));
  ASSERT_TRUE(write_file(dir_ / "bad.json", "{}"));
  const std::string color = picture("color.png");
  const std::tuple<std::string, int, std::string> table[] = {
      {"", 2, "nothing to do"},
      {"--bogus", 2, "--bogus"},
      {color, 2, "pictures, but no -o"},
      {"-o x.npy", 2, "no pictures"},
      {"--labels bad.txt " + color + " -o x.npy", 2, "give --write too"},
      {"--preset nope --write p.json", 2, "no preset 'nope'"},
      {"--preset half --preprocess bad.json --write p.json", 2, "excludes"},
      {"--crop 1y --write p.json", 2, "--crop: '1y', want"},
      {"--resize 5x --write p.json", 2, "--resize: '', want"},
      {"--crop 999 --write p.json", 2, "crop: 999x999, want a side of at most the 256"},
      {"--mean 1,2 --write p.json", 2, "mean: 2 numbers, want 1 or 3"},
      {"--mean 1,,2 --write p.json", 2, "--mean: '1,,2', want numbers"},
      {"--std nan --write p.json", 2, "std: nan, want"},
      {"--std 0 --write p.json", 2, "std: 0, want"},
      {"--channels gray --write p.json", 2, "mean: 3 numbers, want 1"},
      {"--layout chw --write p.json", 2, "--layout: 'chw', want nchw, nhwc"},
      {"--preprocess bad.json --write p.json", 1, "bad.json': preprocess record: record: no key"},
      {"--preprocess none.json --write p.json", 1, "none.json"},
      {"--labels bad.txt --write p.json", 1, "line 2 is empty"},
      {"none.png -o x.npy", 1, "can't open 'none.png'"},
      {picture("text.png") + " -o x.npy", 1, "want a JPEG or PNG picture"},
      {picture("bomb-side.png") + " -o x.npy", 1, "declares 60000x60000"},
      {color + " " + picture("rotated.jpg") + " --preset raw -o x.npy", 1,
       "gives [1,3,37,23], the pictures before it [1,3,23,37]"},
      {color + " -o no/x.npy", 1, "can't write 'no/x.npy'"},
  };
  for (const auto& [arguments, code, message] : table) {
    const Outcome failed = run(arguments);
    EXPECT_EQ(failed.code, code) << arguments;
    EXPECT_EQ(failed.out, "") << arguments;
    EXPECT_THAT(failed.err, StartsWith("cloister preprocess: ")) << arguments;
    EXPECT_THAT(failed.err, HasSubstr(message)) << arguments;
    EXPECT_EQ(std::ranges::count(failed.err, '\n'), 1) << failed.err;
    EXPECT_FALSE(fs::exists(dir_ / "x.npy") || fs::exists(dir_ / "p.json")) << arguments;
  }
}

}  // namespace
}  // namespace cloister
