// `cloister profile`.
#include "profile/record.h"
#include "tests/support/cloister.h"

namespace cloister {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class ProfileProgram : public test::CloisterTest {
 protected:
  void SetUp() override {
    done({"zoo", "mlp", "--features", "64", "--classes", "10", "-o", "m.onnx"});
  }

  // Its stdout. A busy machine may show how far it is meanwhile.
  std::string measured(const test::Arguments& arguments) {
    const test::Finished finished = run(arguments);
    EXPECT_EQ(finished.code, 0) << finished.err;
    EXPECT_THAT(finished.err, testing::MatchesRegex("(profile +[0-9]+ %[^\n]*\n)*"));
    return finished.out;
  }
};

TEST_F(ProfileProgram, MeasuresOnceAndSaysSo) {
  const std::string out = measured({"profile", "m.onnx", "--threads", "1", "--cores", "0",
                                    "--devices", "onnxruntime-cpu", "--rounds", "3", "--anchors",
                                    "3", "--checks", "1", "--epc", "1K", "-o", "p.json"});
  EXPECT_THAT(out, AllOf(HasSubstr("m.onnx, batch 1, 1 thread, pinned to core 0"),
                         HasSubstr("body on: onnxruntime-cpu"), HasSubstr("link http"),
                         HasSubstr("1 cut measured but kept out of the interpolation"),
                         HasSubstr("! more trusted memory than 1.0 KiB at peak: ")));
  const auto record = profile::read_profile(dir_ / "p.json");
  ASSERT_TRUE(record) << record.error().message;
  EXPECT_EQ(record->settings.trusted_limit_bytes, 1024U);
  EXPECT_EQ(record->settings.cores, std::vector<int64_t>{0});
  // A process that loads ONNX Runtime and some hundred kilobytes takes 1 to 200 MB more.
  EXPECT_GT(record->trusted.memory.peak, 1U << 20);
  EXPECT_LT(record->trusted.memory.peak, 200U << 20);
  EXPECT_GT(record->trusted.memory.resident, 1U << 20);
  EXPECT_LE(record->trusted.memory.resident, record->trusted.memory.peak);
}

TEST_F(ProfileProgram, JsonIsTheRecord) {
  const std::string out = measured({"profile", "m.onnx", "--batch", "3", "--rounds", "3",
                                    "--anchors", "2", "--checks", "0", "--json"});
  const auto record = profile::parse_profile(out);
  ASSERT_TRUE(record) << record.error().message;
  EXPECT_EQ(profile::profile_json(*record), out);
  EXPECT_EQ(record->settings.batch, 3);
  EXPECT_EQ(record->model_file, "m.onnx");
  EXPECT_EQ(record->devices[0].name, "onnxruntime-cpu");
  EXPECT_THAT(record->checks, testing::IsEmpty());
}

// --dim says what is measured, which otherwise were inputs of size 1.
TEST_F(ProfileProgram, FreeDimensionsHaveTheSizesGiven) {
  test::ModelBuilder b("free");
  b.input("x", DType::kF32, {"N", "T", 4});
  b.random("w", {4, 4});
  b.add({.op = "MatMul", .inputs = {"x", "w"}, .outputs = {"h"}});
  b.add({.op = "Transpose", .inputs = {"h"}, .attrs = {{"perm", {0, 2, 1}}}, .outputs = {"t"}});
  b.add({.op = "MatMul", .inputs = {"h", "t"}, .outputs = {"s"}});
  b.add({.op = "ReduceMean",
         .inputs = {"s"},
         .attrs = {{"axes", {2}}, {"keepdims", 0}},
         .outputs = {"m"}});
  b.add({.op = "Tanh", .inputs = {"m"}, .outputs = {"y"}});
  b.output("y", DType::kF32, {"N", "T"});
  save(b.finish(), "free.onnx");
  const auto record = profile::parse_profile(
      measured({"profile", "free.onnx", "--dim", "T=16", "--rounds", "3", "--json"}));
  ASSERT_TRUE(record) << record.error().message;
  EXPECT_EQ(record->cuts.back().bytes, 16U * sizeof(float));
  fails({"profile", "free.onnx", "--dim", "U=16"}, 2,
        "no symbolic dimension 'U', want one of N, T");
}

TEST_F(ProfileProgram, Errors) {
  fails({"profile", "m.onnx", "--devices", "tpu"}, 2,
        "--devices: no 'tpu'; want some of onnxruntime-cpu, onnxruntime-");
  fails({"profile", "m.onnx", "--cores", "x"}, 2, "--cores: 'x', want numbers of cores");
  fails({"profile", "m.onnx", "--cores", "1023"}, 2, "has no such cores");
  fails({"profile", "m.onnx", "--epc", "lots"}, 2, "--epc: 'lots', want a number of bytes");
  fails({"profile", "m.onnx", "--epc", "-1M"}, 2, "--epc: '-1M'");
  fails({"profile", "m.onnx", "--link", "rdma"}, 2, "--link");
  fails({"profile", "m.onnx", "--measure", "c00"}, 2, "c00");
  fails({"profile", "m.onnx", "--rounds", "1"}, 2, "--rounds");
  fails({"profile", "none.onnx"}, 1, "none.onnx");
}

}  // namespace
}  // namespace cloister
