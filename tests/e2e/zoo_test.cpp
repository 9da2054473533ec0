// `cloister zoo`.
#include "graph/zoo/zoo.h"

#include "tests/support/cloister.h"

namespace cloister {
namespace {

using testing::HasSubstr;

class Zoo : public test::CloisterTest {};

TEST_F(Zoo, ListsEveryArchitecture) {
  const std::string out = done({"zoo"});
  for (const auto* entry : zoo_entries()) EXPECT_THAT(out, HasSubstr(std::string(entry->name)));
}

TEST_F(Zoo, TheSameSeedGivesTheSameFile) {
  EXPECT_THAT(done({"zoo", "tiny_transformer", "-o", "a.onnx", "--seed", "3"}),
              testing::MatchesRegex("a.onnx  [0-9.]+ MiB\n"));
  done({"zoo", "tiny_transformer", "-o", "b.onnx", "--seed", "3"});
  done({"zoo", "tiny_transformer", "-o", "c.onnx"});
  EXPECT_EQ(*read_file(dir_ / "a.onnx"), *read_file(dir_ / "b.onnx"));
  EXPECT_NE(*read_file(dir_ / "a.onnx"), *read_file(dir_ / "c.onnx"));
}

TEST_F(Zoo, DetectorsTakeTheTablesSizes) {
  done({"zoo", "mlp", "--features", "7", "--classes", "3", "-o", "m.onnx"});
  EXPECT_THAT(done({"inspect", "m.onnx"}), testing::AllOf(HasSubstr("[N,7]"), HasSubstr("[N,3]")));
}

TEST_F(Zoo, Errors) {
  fails({"zoo", "vgg16", "-o", "x.onnx", "--features", "9"}, 2,
        "'vgg16' has a fixed number of features");
  fails({"zoo", "mlp", "-o", "x.onnx", "--features", "2"}, 2, "2 features, want 4 to 65536");
  fails({"zoo", "mlp", "-o", "x.onnx", "--classes", "0"}, 2, "--classes");
  fails({"zoo", "vgg", "-o", "x.onnx"}, 2, "no model 'vgg' in the zoo; want one of vgg16");
  fails({"zoo", "vgg16"}, 2, "-o FILE.onnx is missing");
  fails({"zoo", "vgg16", "-o"}, 2, "--output: 1 required FILE missing");
  fails({"zoo", "vgg16", "-o", "x.onnx", "--seed", "-1"}, 2, "--seed");
  fails({"zoo", "vgg16", "resnet50", "-o", "x.onnx"}, 2, "unexpected argument: resnet50");
  fails({"zoo", "tiny_transformer", "-o", "."}, 1, "can't write '.'");
  EXPECT_THAT(files(), testing::IsEmpty());
}

TEST_F(Zoo, MakesTheFolderOfItsOutput) {
  EXPECT_THAT(done({"zoo", "mlp", "-o", "new/folder/x.onnx"}), HasSubstr("new/folder/x.onnx"));
  fails({"zoo", "mlp", "-o", "new/folder/x.onnx/y.onnx"}, 1, "can't make folder");
}

TEST_F(Zoo, AFullDiskLeavesNothingBehind) {
  options_.max_file_bytes = 100'000;
  fails({"zoo", "tiny_transformer", "-o", "x.onnx"}, 1, "can't write 'x.onnx': File too large");
  EXPECT_THAT(files(), testing::IsEmpty());
}

TEST_F(Zoo, AFullDiskLeavesTheOldFileAsItWas) {
  ASSERT_TRUE(write_file(dir_ / "x.onnx", "old"));
  options_.max_file_bytes = 100'000;
  fails({"zoo", "tiny_transformer", "-o", "x.onnx"}, 1, "can't write 'x.onnx'");
  EXPECT_EQ(*read_file(dir_ / "x.onnx"), "old");
  EXPECT_THAT(files(), testing::ElementsAre("x.onnx"));
}

// A device is written to, not replaced by a file.
TEST_F(Zoo, WritesToADevice) {
  fails({"zoo", "tiny_transformer", "-o", "/dev/full"}, 1,
        "can't write '/dev/full': No space left");
  EXPECT_EQ(done({"zoo", "tiny_transformer", "-o", "/dev/null"}), "/dev/null  ?\n");
  EXPECT_TRUE(fs::is_character_file("/dev/full"));
  EXPECT_TRUE(fs::is_character_file("/dev/null"));
}

}  // namespace
}  // namespace cloister
