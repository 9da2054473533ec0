// `cloister run`: arrays in and out, segments, labels, and inputs that do not fit.
#include "tensor/npz.h"
#include "tensor/random.h"
#include "tests/support/cloister.h"

namespace cloister {
namespace {

using test::Arguments;
using test::ModelBuilder;
using test::small_graph;
using testing::HasSubstr;

class Run : public test::CloisterTest {
 protected:
  void SetUp() override { save(small_graph().finish()); }

  static Tensor random(const Shape& shape, DType dtype = DType::kF32) {
    return *random_tensor(dtype, shape, 9);
  }

  // y = a + b and z = a - b.
  void save_two_inputs() {
    ModelBuilder b("two");
    b.input("a", DType::kF32, {"N", 3});
    b.input("b", DType::kF32, {"N", 3});
    b.add({.op = "Add", .inputs = {"a", "b"}, .outputs = {"y"}});
    b.add({.op = "Sub", .inputs = {"a", "b"}, .outputs = {"z"}});
    b.output("y", DType::kF32, {"N", 3});
    b.output("z", DType::kF32, {"N", 3});
    save(b.finish(), "two.onnx");
  }
};

TEST_F(Run, ArraysInAndOut) {
  save("x.npy", random({2, 4}));
  // The model may stand behind the flags.
  EXPECT_THAT(done({"run", "--input", "x.npy", "m.onnx", "-o", "y.npy"}),
              testing::StartsWith("y f32[2,3] ["));
  EXPECT_EQ(read_npy(dir_ / "y.npy")->shape(), Shape({2, 3}));
  done({"run", "m.onnx", "--input", "x=x.npy", "-o", "y.npz"});
  const auto arrays = read_npz(dir_ / "y.npz");
  ASSERT_EQ(arrays->size(), 1U);
  EXPECT_EQ(arrays->front().name, "y");
  EXPECT_TRUE(std::ranges::equal(arrays->front().tensor.data(), read_npy(dir_ / "y.npy")->data()));
}

TEST_F(Run, SeveralInputsAndOutputs) {
  save_two_inputs();
  save("a.npy", random({2, 3}));
  save("b.npy", random({2, 3}));
  const Tensor a = random({2, 3});
  const std::vector<NamedTensor> both = {{"b", a}, {"a", a}};
  ASSERT_TRUE(write_npz(dir_ / "in.npz", both));
  done({"run", "two.onnx", "-i", "a=a.npy", "-i", "b=b.npy", "-o", "1.npz"});
  done({"run", "two.onnx", "--input", "in.npz", "-o", "2.npz"});
  EXPECT_EQ(*read_file(dir_ / "1.npz"), *read_file(dir_ / "2.npz"));
  EXPECT_EQ(read_npz(dir_ / "1.npz")->size(), 2U);

  fails({"run", "two.onnx", "-i", "a.npy", "-i", "b=b.npy"}, 2,
        "the model has 2 inputs: give --input NAME=a.npy or an .npz");
  fails({"run", "two.onnx", "-i", "a=a.npy"}, 1, "input 'b' (f32[?,3]) is missing");
  fails({"run", "two.onnx", "-i", "a=a.npy", "-i", "a=b.npy"}, 1, "input 'a' is given twice");
  fails({"run", "two.onnx", "--random", "1", "-o", "y.npy"}, 2, "2 outputs: write an .npz");
}

TEST_F(Run, TheSameSeedGivesTheSameAnswer) {
  const std::string out = done({"run", "m.onnx", "--random", "7", "--batch", "3"});
  EXPECT_THAT(out, HasSubstr("f32[3,3]"));
  EXPECT_EQ(done({"run", "m.onnx", "--random", "7", "--batch", "3"}), out);
  EXPECT_NE(done({"run", "m.onnx", "--random", "8", "--batch", "3"}), out);
}

TEST_F(Run, SegmentsGiveTheWholeModelsAnswer) {
  EXPECT_THAT(done({"run", "m.onnx", "--random", "1", "--cut", "active", "--compare"}),
              HasSubstr("segments and whole model"));
  const auto report = json_of({"run", "m.onnx", "--random", "1", "--cut", "hidden", "--cut",
                               "active", "--compare", "--json"});
  EXPECT_EQ(report["cuts"].size(), 2U);
  EXPECT_LT(report["difference"]["max_relative"].get<double>(), 1e-6);
  EXPECT_TRUE(report["difference"]["identical"].is_boolean());
  EXPECT_GE(report["whole_ms"].get<double>(), 0);
  EXPECT_GE(report["segments_ms"].get<double>(), 0);
  EXPECT_EQ(report["outputs"][0],
            nlohmann::json::parse(R"({"name": "y", "dtype": "f32", "shape": [1, 3]})"));
}

TEST_F(Run, Labels) {
  ASSERT_TRUE(write_file(dir_ / "labels.txt", "cat\ndog\ncow\n"));
  const Arguments command = {"run", "m.onnx", "--random", "1", "--labels", "labels.txt"};
  const std::string out = done(command);
  for (const char* label : {"cat", "dog", "cow"}) EXPECT_THAT(out, HasSubstr(label));
  const auto top = json_of({"run", "m.onnx", "--random", "1", "--batch", "2", "--labels",
                            "labels.txt", "--top", "2", "--json"})["top"];
  ASSERT_EQ(top.size(), 2U);
  ASSERT_EQ(top[0].size(), 2U);
  EXPECT_GE(top[0][0]["score"].get<double>(), top[0][1]["score"].get<double>());

  ASSERT_TRUE(write_file(dir_ / "labels.txt", "cat\n"));
  fails(command, 1, "--labels 'labels.txt': there are 1 labels, the output has class");
  ASSERT_TRUE(write_file(dir_ / "labels.txt", "cat\n\n"));
  fails(command, 1, "'labels.txt': labels: line 2 is empty");
  fs::remove(dir_ / "labels.txt");
  fails(command, 1, "can't open 'labels.txt'");
  fails({"run", "m.onnx", "--random", "1", "--top", "2"}, 2, "--top requires --labels");
}

TEST_F(Run, ScoresThatAreNoNumbersAreNotRanked) {
  save_two_inputs();
  ASSERT_TRUE(write_file(dir_ / "labels.txt", "cat\ndog\ncow\n"));
  const float kNan = -std::numeric_limits<float>::quiet_NaN();
  const float values[] = {1, kNan, 3, 4, 6, 5};
  save("a.npy", *Tensor::copy_of(DType::kF32, {2, 3}, std::as_bytes(std::span(values))));
  save("b.npy", *Tensor::make(DType::kF32, {2, 3}));
  Arguments command = {"run",     "two.onnx", "-i",         "a=a.npy", "-i",
                       "b=b.npy", "--labels", "labels.txt", "--top",   "1"};
  const std::string out = done(command);
  EXPECT_THAT(out, HasSubstr("y f32[2,3] [1, n/a, 3, 4, ...] min 1 max 6 (1 of 6 are no numbers)"));
  EXPECT_THAT(out, HasSubstr("\nrow 1\n  n/a: there are scores that are no numbers\n"));
  EXPECT_THAT(out, HasSubstr("\nrow 2\n     6.0000      1  dog\n"));
  EXPECT_THAT(out, testing::Not(HasSubstr("nan")));
  command.emplace_back("--json");
  const auto top = json_of(command)["top"];
  EXPECT_TRUE(top[0].empty());
  EXPECT_EQ(top[1][0]["label"], "dog");
}

TEST_F(Run, DynamicBatch) {
  save(small_graph(1).finish());
  save("x.npy", random({3, 4}));
  fails({"run", "m.onnx", "-i", "x.npy"}, 1, "input 'x': got f32[3,4], want f32[1,4]");
  EXPECT_THAT(done({"run", "m.onnx", "-i", "x.npy", "--dynamic-batch"}), HasSubstr("f32[3,3]"));
  EXPECT_THAT(
      done({"run", "m.onnx", "-i", "x.npy", "--dynamic-batch", "--cut", "active", "--compare"}),
      HasSubstr("segments and whole model"));
}

// With --dim each segment takes inputs of that size, the first one too.
TEST_F(Run, SizesOfFreeDimensions) {
  ModelBuilder b("free");
  b.input("x", DType::kF32, {"N", "T", 4});
  b.add({.op = "Transpose", .inputs = {"x"}, .attrs = {{"perm", {0, 2, 1}}}, .outputs = {"t"}});
  b.add({.op = "MatMul", .inputs = {"x", "t"}, .outputs = {"s"}});
  b.add({.op = "Relu", .inputs = {"s"}, .outputs = {"y"}});
  b.output("y", DType::kF32, {"N", "T", "T"});
  save(b.finish(), "free.onnx");
  EXPECT_THAT(
      done({"run", "free.onnx", "--random", "1", "--dim", "T=7", "--cut", "s", "--compare"}),
      testing::AllOf(HasSubstr("f32[1,7,7]"), HasSubstr("bit-identical")));
  save("x.npy", random({1, 3, 4}));
  EXPECT_THAT(done({"run", "free.onnx", "-i", "x.npy"}), HasSubstr("f32[1,3,3]"));
  fails({"run", "free.onnx", "-i", "x.npy", "--dim", "T=7"}, 1,
        "input 'x': got f32[1,3,4], want f32[?,7,4]");
}

// What came and what was wanted are both named.
TEST_F(Run, InputsThatDoNotFit) {
  save("x.npy", random({2, 4}));
  save("short.npy", random({2, 3}));
  save("flat.npy", random({4}));
  save("f64.npy", random({2, 4}, DType::kF64));
  fails({"run", "m.onnx", "-i", "wrong=x.npy"}, 1, "no input 'wrong'; the model has 'x'");
  fails({"run", "m.onnx", "-i", "short.npy"}, 1, "input 'x': got f32[2,3], want f32[?,4]");
  fails({"run", "m.onnx", "-i", "flat.npy"}, 1, "input 'x': got f32[4], want f32[?,4]");
  fails({"run", "m.onnx", "-i", "f64.npy"}, 1, "input 'x': got f64[2,4], want f32[?,4]");
  fails({"run", "m.onnx", "-i", "x.npy", "-i", "x.npy"}, 1, "input 'x' is given twice");
}

TEST_F(Run, FilesThatAreNoArrays) {
  ASSERT_TRUE(write_file(dir_ / "bad.npy", "nonsense"));
  ASSERT_TRUE(write_file(dir_ / "bad.npz", "nonsense"));
  ASSERT_TRUE(write_file(dir_ / "empty.npy", ""));
  fails({"run", "m.onnx", "-i", "bad.npy"}, 1, "bad.npy");
  fails({"run", "m.onnx", "-i", "bad.npz"}, 1, "bad.npz");
  fails({"run", "m.onnx", "-i", "empty.npy"}, 1, "empty.npy");
  fails({"run", "m.onnx", "-i", "none.npy"}, 1, "can't open 'none.npy'");
  fails({"run", "m.onnx", "-i", "x=none.npz"}, 1, "none.npz");
}

TEST_F(Run, WrongUsage) {
  fails({"run", "m.onnx"}, 2, "give either --input or --random");
  fails({"run", "m.onnx", "-i", "x.npy", "--random", "1"}, 2, "give either --input or --random");
  fails({"run", "m.onnx", "--random", "x"}, 2, "--random");
  fails({"run", "m.onnx", "--batch", "2"}, 2, "--batch requires --random");
  fails({"run", "m.onnx", "--random", "1", "--batch", "0"}, 2, "--batch");
  fails({"run", "m.onnx", "--random", "1", "--compare"}, 2, "--compare needs a --cut");
  fails({"run", "m.onnx", "--random", "1", "--cut", "activ"}, 2, "nearest: active");
  fails({"run", "m.onnx", "--random", "1", "--cut", "active", "--cut", "hidden"}, 2,
        "give the cuts shallow to deep");
  fails({"run", "m.onnx", "--random", "1", "--threads", "0"}, 2, "--threads");
  fails({"run", "m.onnx", "--random", "1", "--provider", "abacus"}, 2,
        "no execution provider 'abacus'; want cpu, cuda or tensorrt");
  fails({"run", "m.onnx", "--random", "1", "-o", "y.txt"}, 2, "ends in .npy or .npz");
}

TEST_F(Run, MakesTheFolderOfItsOutput) {
  done({"run", "m.onnx", "--random", "1", "-o", "some/new/y.npz"});
  done({"run", "m.onnx", "--random", "1", "-o", "some/y.npy"});
  EXPECT_TRUE(fs::exists(dir_ / "some/new/y.npz") && fs::exists(dir_ / "some/y.npy"));
}

// Data where the hub's cache has it, and where a link leads that somebody allows.
TEST_F(Run, LinksToDataAreFollowedWhereTheyMay) {
  fs::create_directories(dir_ / "hub/m/blobs");
  fs::create_directories(dir_ / "hub/m/snapshots/1/onnx");
  fs::create_directories(dir_ / "away");
  const std::string cases = "hub_cache/";
  fs::copy_file(test::data_path(cases + "plain.onnx"), dir_ / "hub/m/blobs/aaaa");
  fs::copy_file(test::data_path(cases + "w.bin"), dir_ / "hub/m/blobs/bbbb");
  fs::copy_file(test::data_path(cases + "w.bin"), dir_ / "away/w");
  const fs::path snapshot = dir_ / "hub/m/snapshots/1/onnx";
  fs::create_symlink("../../../blobs/aaaa", snapshot / "plain.onnx");
  fs::create_symlink("../../../blobs/bbbb", snapshot / "w.bin");
  const std::string model = "hub/m/snapshots/1/onnx/plain.onnx";
  const std::string out = done({"run", model, "--random", "1"});
  fs::remove(snapshot / "w.bin");
  fs::create_symlink(dir_ / "away/w", snapshot / "w.bin");
  fails({"run", model, "--random", "1"}, 3, "'w.bin' leads out of the model's folder");
  EXPECT_EQ(done({"run", model, "--random", "1", "--allow-links-under", "away"}), out);
  fails({"run", model, "--random", "1", "--allow-links-under", "none"}, 2,
        "--allow-links-under 'none': no such folder");
}

TEST_F(Run, OutputThatCanNotBeWritten) {
  ASSERT_TRUE(write_file(dir_ / "file", ""));
  for (const std::string name : {"file/y.npy", "file/sub/y.npz"}) {
    fails({"run", "m.onnx", "--random", "1", "-o", name}, 1, "can't make folder 'file");
  }
  options_.max_file_bytes = 1000;
  for (const std::string name : {"y.npy", "y.npz"}) {
    fails({"run", "m.onnx", "--random", "1", "--batch", "1000", "-o", name}, 1,
          "can't write '" + name + "'");
  }
  EXPECT_THAT(files(), testing::ElementsAre("file", "m.onnx"));
}

// Official builds of ONNX Runtime do, unless they are told not to: they keep an identifier of the
// machine and what is to be sent in the user's cache.
TEST_F(Run, TheRuntimeReportsToNobody) {
  const std::string cache = (dir_ / "cache").string();
  ::setenv("XDG_CACHE_HOME", cache.c_str(), 1);
  ::setenv("HOME", cache.c_str(), 1);
  for (const char* quiet : {"CI", "ORT_DISABLE_TELEMETRY", "ORT_RUNNING_UNIT_TESTS"}) {
    ::unsetenv(quiet);
  }
  save("x.npy", random({2, 4}));
  done({"run", "m.onnx", "--input", "x.npy"});
  EXPECT_FALSE(fs::exists(cache));
}

}  // namespace
}  // namespace cloister
