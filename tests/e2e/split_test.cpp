// `cloister split`.
#include "tests/support/cloister.h"

namespace cloister {
namespace {

using test::small_graph;
using testing::ElementsAre;
using testing::HasSubstr;

class Split : public test::CloisterTest {
 protected:
  void SetUp() override { save(small_graph().finish()); }

  static void expect_same(const fs::path& a, const fs::path& b) {
    EXPECT_EQ(*read_file(a), *read_file(b)) << a << " and " << b;
  }
};

TEST_F(Split, SegmentsRunOneAfterTheOther) {
  done({"run", "m.onnx", "--random", "5", "--batch", "3", "-o", "whole.npy"});
  EXPECT_THAT(done({"split", "m.onnx", "--cut", "active", "-o", "parts"}),
              testing::MatchesRegex("parts/head.onnx  .* B\nparts/body.onnx  .* B\n"));
  EXPECT_THAT(files("parts"), ElementsAre("body.onnx", "head.onnx"));
  // The same seed makes the same input for the head.
  done({"run", "parts/head.onnx", "--random", "5", "--batch", "3", "-o", "active.npy"});
  done({"run", "parts/body.onnx", "--input", "active.npy", "-o", "y.npy"});
  expect_same(dir_ / "y.npy", dir_ / "whole.npy");
}

TEST_F(Split, TwoCutsMakeThreeSegments) {
  done({"run", "m.onnx", "--random", "5", "-o", "whole.npy"});
  const auto report = json_of(
      {"split", "m.onnx", "--cut", "hidden", "--cut", "active", "-o", "new/parts", "--json"});
  EXPECT_EQ(report["cuts"].size(), 2U);
  ASSERT_EQ(report["segments"].size(), 3U);
  EXPECT_EQ(report["segments"][2]["segment"], "tail");
  EXPECT_EQ(report["segments"][2]["file"], "new/parts/tail.onnx");
  EXPECT_THAT(files("new/parts"), ElementsAre("body.onnx", "head.onnx", "tail.onnx"));
  done({"run", "new/parts/head.onnx", "--random", "5", "-o", "a.npy"});
  done({"run", "new/parts/body.onnx", "--input", "a.npy", "-o", "b.npy"});
  done({"run", "new/parts/tail.onnx", "--input", "b.npy", "-o", "c.npy"});
  expect_same(dir_ / "c.npy", dir_ / "whole.npy");
}

TEST_F(Split, IdPrefixNameAndShareAreTheSameCut) {
  const auto inspected = json_of({"inspect", "m.onnx", "--json"});
  const std::string id = inspected["cuts"][1]["id"];
  for (const std::string& cut : {id, id.substr(0, 4), std::string("active"), std::string("57%")}) {
    // The model may stand behind the flags.
    EXPECT_EQ(json_of({"split", "--cut", cut, "-o", "parts", "--json", "m.onnx"})["cuts"][0], id);
  }
}

TEST_F(Split, FoldersThatAreNotText) {
  const auto report = json_of({"split", "m.onnx", "--cut", "active", "-o", "a\xff", "--json"});
  EXPECT_EQ(report["segments"].size(), 2U);
}

TEST_F(Split, WrongCuts) {
  fails({"split", "m.onnx", "--cut", "activ", "-o", "parts"}, 2, "no cut 'activ'; nearest: active");
  fails({"split", "m.onnx", "--cut", "c000000", "-o", "parts"}, 2, "see 'cloister inspect'");
  fails({"split", "m.onnx", "--cut", "", "-o", "parts"}, 2, "no cut ''");
  fails({"split", "m.onnx", "--cut", "101%", "-o", "parts"}, 2, "no cut '101%'");
  fails({"split", "m.onnx", "--cut", "active", "--cut", "hidden", "-o", "parts"}, 2,
        "give the cuts shallow to deep");
  fails({"split", "m.onnx", "--cut", "active", "--cut", "active", "-o", "parts"}, 2,
        "give the cuts shallow to deep");
  fails({"split", "m.onnx", "--cut", "1%", "--cut", "2%", "--cut", "3%", "-o", "parts"}, 2,
        "--cut is given 3 times");
  fails({"split", "m.onnx", "-o", "parts"}, 2, "--cut is required");
  fails({"split", "m.onnx", "--cut", "50%"}, 2, "--output is required");
  EXPECT_THAT(files(), ElementsAre("m.onnx"));
}

TEST_F(Split, AFolderThatCanNotBeMade) {
  ASSERT_TRUE(write_file(dir_ / "file", ""));
  fails({"split", "m.onnx", "--cut", "50%", "-o", "file/parts"}, 1,
        "can't make folder 'file/parts': Not a directory");
  fails({"split", "m.onnx", "--cut", "50%", "-o", "/proc/parts"}, 1, "'/proc/parts'");
  fails({"split", "m.onnx", "--cut", "50%", "-o", "file"}, 1, "'file");
}

// The second segment does not fit; the first would be half of a split.
TEST_F(Split, AFullDiskLeavesNothingBehind) {
  test::ModelBuilder b("uneven");
  b.input("x", DType::kF32, {"N", 4});
  b.random("w1", {8, 4});
  b.random("w2", {8000, 8});
  b.add({.op = "Gemm", .inputs = {"x", "w1"}, .attrs = {{"transB", 1}}, .outputs = {"h"}});
  b.add({.op = "Gemm", .inputs = {"h", "w2"}, .attrs = {{"transB", 1}}, .outputs = {"y"}});
  b.output("y", DType::kF32, {"N", 8000});
  save(b.finish());
  options_.max_file_bytes = 100'000;
  fails({"split", "m.onnx", "--cut", "h", "-o", "parts"}, 1,
        "can't write 'parts/body.onnx': File too large");
  EXPECT_THAT(files("parts"), testing::IsEmpty());
}

}  // namespace
}  // namespace cloister
