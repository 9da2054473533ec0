#include "engine/onnxruntime.h"

#include <gmock/gmock.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <iostream>
#include <thread>

#include "tensor/compare.h"
#include "tests/engine/small_models.h"
#include "tests/support/temp_dir.h"

namespace cloister {
namespace {

using test::floats;
using test::node;
using test::pattern;
using test::small_segment;
using test::tensor_of;
using test::values;
using ::testing::AnyOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::unique_ptr<Program> load(const Segment& segment, const OnnxRuntimeOptions& options = {}) {
  auto program = (*make_onnxruntime(options))->load(segment);
  if (!program) throw std::runtime_error(program.error().message);
  return std::move(*program);
}

Error load_error(const Segment& segment) {
  const auto program = (*make_onnxruntime())->load(segment);
  if (program) return {Kind::kInternal, "loaded"};
  return program.error();
}

std::vector<Tensor> run(Program& program, const std::vector<Tensor>& inputs) {
  std::vector<TensorView> views;
  for (const Tensor& input : inputs) views.push_back(input.view());
  auto outputs = program.run(views);
  if (!outputs) throw std::runtime_error(outputs.error().message);
  return std::move(*outputs);
}

// y = x W, W f32[size,size] handed over in memory.
Segment matmul(int64_t size) {
  return small_segment({{"x", DType::kF32, {-1, size}}}, node("MatMul", {"x", "w"}, "y"),
                       {{"y", DType::kF32, {-1, size}}}, {{"w", pattern({size, size})}});
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif

uint64_t resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  uint64_t total = 0;
  uint64_t resident = 0;
  statm >> total >> resident;
  return resident * static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
}

double cpu_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

constexpr DType kPortable[] = {DType::kF32, DType::kU8,  DType::kI8,   DType::kU16, DType::kI16,
                               DType::kI32, DType::kI64, DType::kBool, DType::kF16, DType::kF64,
                               DType::kU32, DType::kU64, DType::kBF16};

class PortableType : public ::testing::TestWithParam<DType> {};

// In and out through a Reshape that turns rows into columns, at several sizes, empty included.
TEST_P(PortableType, GoesInAndOutUnchanged) {
  const DType dtype = GetParam();
  ASSERT_TRUE(is_portable(dtype));
  const auto program = load(small_segment(
      {{"x", dtype, {-1, 3}}},
      "node { op_type: 'Constant' output: 's' attribute { name: 'value_ints' type: INTS "
      "ints: 3 ints: -1 } } " +
          node("Reshape", {"x", "s"}, "y", "attribute { name: 'allowzero' type: INT i: 0 }"),
      {{"y", dtype, {3, -1}}}));
  for (const int64_t rows : {1, 2, 7}) {
    Tensor x = *Tensor::make(dtype, {rows, 3});
    // Zeros and ones only, which every type can hold, bool included.
    const size_t step = dtype_bits(dtype) / 8;
    for (size_t i = 0; i < x.data().size(); i += 2 * step) x.mutable_data()[i] = std::byte{1};
    const auto outputs = run(*program, {x});
    ASSERT_EQ(outputs.size(), 1u);
    EXPECT_EQ(outputs[0].dtype(), dtype);
    EXPECT_EQ(outputs[0].shape(), (Shape{3, rows}));
    EXPECT_TRUE(std::ranges::equal(outputs[0].data(), x.data()));
  }
}

TEST_P(PortableType, ScalarsAndEmptyTensors) {
  const DType dtype = GetParam();
  const auto scalar =
      load(small_segment({{"x", dtype, {}}}, node("Identity", {"x"}, "y"), {{"y", dtype, {}}}));
  const auto one = run(*scalar, {*Tensor::make(dtype, {})});
  EXPECT_EQ(one[0].shape(), Shape{});
  EXPECT_EQ(one[0].data().size(), dtype_bits(dtype) / 8);

  const auto rows = load(small_segment({{"x", dtype, {-1, 3}}}, node("Identity", {"x"}, "y"),
                                       {{"y", dtype, {-1, 3}}}));
  const auto none = run(*rows, {*Tensor::make(dtype, {0, 3})});
  EXPECT_EQ(none[0].shape(), (Shape{0, 3}));
  EXPECT_TRUE(none[0].data().empty());
}

INSTANTIATE_TEST_SUITE_P(All, PortableType, ::testing::ValuesIn(kPortable),
                         [](const auto& test) { return std::string(dtype_name(test.param)); });

TEST(OnnxRuntime, Computes) {
  const auto program = load(small_segment({{"x", DType::kF32, {-1, 2}}}, node("Relu", {"x"}, "y"),
                                          {{"y", DType::kF32, {-1, 2}}}));
  EXPECT_THAT(values<float>(run(*program, {floats({2, 2}, {1, -2, -3, 4})})[0]),
              ElementsAre(1, 0, 0, 4));
}

// Into the caller's memory, without a copy, and the same as into its own.
TEST(OnnxRuntime, ComputesWhereTheCallerWants) {
  const auto program = load(matmul(4));
  const Tensor x = pattern({3, 4});
  const Tensor want = run(*program, {x})[0];
  Tensor place = *Tensor::make(DType::kF32, {3, 4});
  const auto into = [&](DType dtype, Shape shape, MutableBytes data) {
    return program->run_into({x.view()}, {{dtype, std::move(shape), data}});
  };
  ASSERT_TRUE(into(DType::kF32, {3, 4}, place.mutable_data()));
  EXPECT_EQ(values<float>(place), values<float>(want));
  for (const auto& wrong : {into(DType::kF32, {3, 3}, place.mutable_data().first(36)),
                            into(DType::kI32, {3, 4}, place.mutable_data()),
                            into(DType::kF32, {3, 4}, place.mutable_data().first(44)),
                            into(DType::kF32, {2, 4}, place.mutable_data().first(32)),
                            program->run_into({x.view()}, {})}) {
    ASSERT_FALSE(wrong);
    EXPECT_EQ(wrong.error().kind, Kind::kInvalid) << wrong.error().message;
  }
}

TEST(OnnxRuntime, DescribesItsPorts) {
  const auto program =
      load(small_segment({{"x", DType::kF32, {-1, 2}}, {"t", DType::kF32, {}}},
                         node("Less", {"x", "t"}, "y"), {{"y", DType::kBool, {-1, 2}}}));
  ASSERT_EQ(program->inputs().size(), 2u);
  EXPECT_EQ(program->inputs()[0].name, "x");
  EXPECT_THAT(program->inputs()[0].dims, ElementsAre(-1, 2));
  EXPECT_TRUE(program->inputs()[1].dims.empty());
  ASSERT_EQ(program->outputs().size(), 1u);
  EXPECT_EQ(program->outputs()[0].dtype, DType::kBool);
}

TEST(OnnxRuntime, InputsThatDoNotFitAreRefused) {
  const auto program = load(matmul(4));
  const auto error = [&](const std::vector<Tensor>& inputs) {
    std::vector<TensorView> views;
    for (const Tensor& input : inputs) views.push_back(input.view());
    const auto outputs = program->run(views);
    EXPECT_FALSE(outputs);
    EXPECT_EQ(outputs.error().kind, Kind::kInvalid);
    return outputs.error().message;
  };
  EXPECT_EQ(error({}), "got 0 inputs, want 1: 'x'");
  EXPECT_EQ(error({floats({1, 3}, {1, 2, 3})}), "input 'x': got f32[1,3], want f32[?,4]");
  EXPECT_EQ(error({floats({4}, {1, 2, 3, 4})}), "input 'x': got f32[4], want f32[?,4]");
  EXPECT_EQ(error({*Tensor::make(DType::kF64, {1, 4})}), "input 'x': got f64[1,4], want f32[?,4]");
  // It still runs afterwards.
  EXPECT_EQ(run(*program, {pattern({2, 4})})[0].shape(), (Shape{2, 4}));
}

TEST(OnnxRuntime, WhatItCannotRunIsUnsupported) {
  const std::vector<TensorSpec> x = {{"x", DType::kF32, {4}}};
  const std::vector<TensorSpec> y = {{"y", DType::kF32, {4}}};
  const Error unknown = load_error(small_segment(x, node("NoSuchOp", {"x"}, "y"), y));
  EXPECT_EQ(unknown.kind, Kind::kUnsupported);
  EXPECT_THAT(unknown.message, HasSubstr("NoSuchOp"));

  const Error domain =
      load_error(small_segment(x, node("Relu", {"x"}, "y", "domain: 'com.example'"), y));
  EXPECT_EQ(domain.kind, Kind::kUnsupported) << domain.message;

  const Error opset = load_error(small_segment(x, node("Relu", {"x"}, "y"), y, {}, 999));
  EXPECT_EQ(opset.kind, Kind::kUnsupported) << opset.message;

  const Error type = load_error(small_segment(
      {{"x", DType::kI16, {4}}}, node("Max", {"x", "x"}, "y"), {{"y", DType::kI16, {4}}}));
  EXPECT_EQ(type.kind, Kind::kUnsupported) << type.message;

  const Error text = load_error(small_segment(
      {{"x", DType::kString, {2}}}, node("Identity", {"x"}, "y"), {{"y", DType::kString, {2}}}));
  EXPECT_EQ(text.kind, Kind::kUnsupported);
  EXPECT_THAT(text.message, HasSubstr("'x' is string"));

  const Error sequence = load_error(small_segment(
      x,
      node("SequenceConstruct", {"x"}, "y") + "output { name: 'y' type { sequence_type { elem_type "
                                              "{ tensor_type { elem_type: 1 } } } } }",
      {}));
  EXPECT_EQ(sequence.kind, Kind::kUnsupported);
  EXPECT_THAT(sequence.message, HasSubstr("output 'y' is not a tensor"));
}

TEST(OnnxRuntime, MessagesLeaveOutWhereInItsSourceTheyComeFrom) {
  const Error opset = load_error(small_segment({{"x", DType::kF32, {4}}}, node("Relu", {"x"}, "y"),
                                               {{"y", DType::kF32, {4}}}, {}, 999));
  EXPECT_THAT(opset.message, ::testing::StartsWith("ONNX Runtime: ONNX Runtime only"));
  EXPECT_THAT(opset.message, HasSubstr("Opset 999"));
}

TEST(OnnxRuntime, BrokenModelsAreInvalid) {
  EXPECT_EQ(load_error({"", {}}).kind, Kind::kInvalid);
  EXPECT_EQ(load_error({"not a model", {}}).kind, Kind::kInvalid);
  const Segment good = matmul(4);
  for (size_t size = 1; size + 1 < good.model.size(); size += 7) {
    Segment cut = good;
    cut.model.resize(size);
    EXPECT_THAT(load_error(cut).kind, AnyOf(Kind::kInvalid, Kind::kUnsupported)) << size;
  }
  // A weight that the model does not have, and one that it has but does not get.
  Segment more = good;
  more.weights.push_back({"other", pattern({2})});
  EXPECT_THAT(load_error(more).kind, AnyOf(Kind::kInvalid, Kind::kInternal));
  Segment less = good;
  less.weights.clear();
  EXPECT_EQ(load_error(less).kind, Kind::kInvalid);
  // A graph whose types do not fit.
  const Error types =
      load_error(small_segment({{"x", DType::kI64, {4}}, {"y", DType::kF32, {4}}},
                               node("Add", {"x", "y"}, "z"), {{"z", DType::kF32, {4}}}));
  EXPECT_EQ(types.kind, Kind::kInvalid) << types.message;
}

TEST(OnnxRuntime, AWeightOfTheWrongSizeIsInvalid) {
  Segment segment = matmul(4);
  segment.weights[0].tensor = pattern({4, 3});
  EXPECT_EQ(load_error(segment).kind, Kind::kInvalid);
  segment.weights[0].tensor = *Tensor::make(DType::kI32, {4, 4});
  EXPECT_EQ(load_error(segment).kind, Kind::kInvalid);
}

TEST(OnnxRuntime, FailuresWhileRunningAreErrors) {
  // The second row of x is out of the table.
  const auto program =
      load(small_segment({{"x", DType::kI64, {-1}}}, node("Gather", {"table", "x"}, "y"),
                         {{"y", DType::kF32, {-1, 8}}}, {{"table", pattern({64, 8})}}));
  const Tensor bad = tensor_of<int64_t>(DType::kI64, {2}, {0, 64});
  const auto outputs = program->run({bad.view()});
  ASSERT_FALSE(outputs);
  EXPECT_EQ(outputs.error().kind, Kind::kInvalid);
  EXPECT_THAT(outputs.error().message, HasSubstr("ONNX Runtime: "));
  const Tensor good = tensor_of<int64_t>(DType::kI64, {1}, {63});
  EXPECT_TRUE(program->run({good.view()}));
}

TEST(OnnxRuntime, Providers) {
  EXPECT_THAT(onnxruntime_providers(), ::testing::Contains("cpu"));
  EXPECT_THAT(onnxruntime_version(), ::testing::MatchesRegex("[0-9]+\\.[0-9]+\\.[0-9]+.*"));
  const std::vector<std::string> available = onnxruntime_providers();
  for (const std::string name : {"cuda", "tensorrt"}) {
    const auto refused = make_onnxruntime({.provider = name});
    if (refused) continue;
    const bool is_built_in = std::ranges::find(available, name) != available.end();
    EXPECT_EQ(refused.error().kind, Kind::kUnsupported);
    EXPECT_THAT(refused.error().message,
                HasSubstr(is_built_in ? "can't start provider '" + name + "'"
                                      : "has no '" + name + "' provider, only: cpu"));
  }
  const auto unknown = make_onnxruntime({.provider = "tpu"});
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().kind, Kind::kUsage);
  EXPECT_EQ(unknown.error().message, "no execution provider 'tpu'; want cpu, cuda or tensorrt");
}

TEST(OnnxRuntime, ThreadCounts) {
  for (const int threads : {0, -1, 1025}) {
    const auto refused = make_onnxruntime({.threads = threads});
    ASSERT_FALSE(refused) << threads;
    EXPECT_EQ(refused.error().kind, Kind::kUsage);
  }
  const Segment segment = matmul(256);
  const Tensor x = pattern({64, 256});
  const Tensor want = run(*load(segment), {x})[0];
  for (const int threads : {2, 4, 2}) {
    const Tensor got = run(*load(segment, {.threads = threads}), {x})[0];
    EXPECT_LT(compare(got.view(), want.view())->relative(), 1e-5) << threads;
  }
}

TEST(OnnxRuntime, RunsFromManyThreadsAtOnce) {
  for (const int threads : {1, 2}) {
    const auto program = load(matmul(128), {.threads = threads});
    const Tensor x = pattern({32, 128});
    const Tensor want = run(*program, {x})[0];
    std::atomic<int> wrong = 0;
    std::vector<std::jthread> callers;
    for (int i = 0; i < 4; ++i) {
      callers.emplace_back([&] {
        for (int k = 0; k < 20; ++k) {
          const auto got = program->run({x.view()});
          if (!got || !std::ranges::equal((*got)[0].data(), want.data())) ++wrong;
        }
      });
    }
    callers.clear();
    EXPECT_EQ(wrong, 0);
  }
}

TEST(OnnxRuntime, AnEngineMayGoBeforeItsPrograms) {
  auto engine = *make_onnxruntime();
  auto program = *engine->load(matmul(8));
  engine.reset();
  EXPECT_EQ(run(*program, {pattern({1, 8})})[0].shape(), (Shape{1, 8}));
}

TEST(OnnxRuntime, OutputsOutliveEverythingElse) {
  Tensor computed;
  std::vector<float> want;
  {
    const auto program = load(matmul(64));
    computed = run(*program, {pattern({64, 64})})[0];
    want = values<float>(computed);
  }
  std::vector<std::vector<char>> churn(64, std::vector<char>(16384, 'x'));
  EXPECT_EQ(values<float>(computed), want);
}

// Outputs that are a weight or an input as it is must not point into memory that goes.
TEST(OnnxRuntime, OutputsAreNotTiedToWeightsOrInputs) {
  std::vector<Tensor> outputs;
  {
    const auto program = load(small_segment(
        {{"x", DType::kF32, {512}}},
        node("Identity", {"x"}, "a") + node("Identity", {"w"}, "b") + node("Relu", {"x"}, "c"),
        {{"a", DType::kF32, {512}},
         {"b", DType::kF32, {512}},
         {"c", DType::kF32, {512}},
         {"w", DType::kF32, {512}},
         {"x", DType::kF32, {512}}},
        {{"w", pattern({512})}}));
    Tensor x = pattern({512});
    outputs = run(*program, {x});
    std::ranges::fill(x.mutable_as<float>(), 7.0f);
  }
  ASSERT_EQ(outputs.size(), 5u);
  for (const size_t i : {0, 1, 3, 4}) {
    EXPECT_EQ(values<float>(outputs[i]), values<float>(pattern({512}))) << i;
  }
}

// ONNX Runtime copies weights, as its interface says, so a program need not keep ours as well.
TEST(OnnxRuntime, WeightsMayGoOnceLoaded) {
  for (const bool optimize : {false, true}) {
    for (const char* op : {"Gather", "MatMul"}) {
      Tensor w = pattern({64, 64});
      const bool gather = op == std::string("Gather");
      const TensorSpec x =
          gather ? TensorSpec{"x", DType::kI64, {-1}} : TensorSpec{"x", DType::kF32, {-1, 64}};
      const auto program = load(small_segment({x},
                                              node(op,
                                                   gather ? std::vector<std::string>{"w", "x"}
                                                          : std::vector<std::string>{"x", "w"},
                                                   "y"),
                                              {{"y", DType::kF32, {-1, 64}}}, {{"w", w}}),
                                {.optimize = optimize});
      const Tensor input = gather ? tensor_of<int64_t>(DType::kI64, {1}, {3}) : pattern({1, 64});
      const Tensor want = run(*program, {input})[0];
      std::ranges::fill(w.mutable_as<float>(), 42.0f);
      EXPECT_EQ(values<float>(run(*program, {input})[0]), values<float>(want)) << op;
    }
  }
}

// y = x a + b: both external, a at `offset` of one file, b in another.
Segment from_files(const Tensor& a, const Tensor& b, const std::string& offset = "4096") {
  Segment segment = small_segment({{"x", DType::kF32, {-1, 64}}},
                                  node("MatMul", {"x", "a"}, "m") + node("Add", {"m", "b"}, "y"),
                                  {{"y", DType::kF32, {-1, 64}}}, {{"a", a}, {"b", b}});
  segment.weights.clear();
  onnx::ModelProto model;
  EXPECT_TRUE(model.ParseFromString(segment.model));
  const char* names[] = {"first.data", "sub/second.data"};
  for (int i = 0; i < 2; ++i) {
    auto& entries = *model.mutable_graph()->mutable_initializer(i)->mutable_external_data();
    entries[0].set_value(names[i]);
    if (i == 0) entries[1].set_value(offset);
    const Tensor& weight = i == 0 ? a : b;
    auto bytes = std::make_shared<std::vector<std::byte>>(i == 0 ? 4096 : 0);
    bytes->insert(bytes->end(), weight.data().begin(), weight.data().end());
    segment.files.push_back({names[i], *bytes, bytes});
  }
  segment.model = model.SerializeAsString();
  return segment;
}

TEST(OnnxRuntime, WeightsFromFilesInMemory) {
  const Tensor a = pattern({64, 64});
  const Tensor b = pattern({64});
  const Tensor x = pattern({3, 64});
  const auto make = [&](const std::vector<NamedTensor>& weights) {
    return small_segment({{"x", DType::kF32, {-1, 64}}},
                         node("MatMul", {"x", "a"}, "m") + node("Add", {"m", "b"}, "y"),
                         {{"y", DType::kF32, {-1, 64}}}, weights);
  };
  const Tensor want = run(*load(make({{"a", a}, {"b", b}})), {x})[0];
  for (const bool optimize : {false, true}) {
    Segment segment = from_files(a, b);
    const auto program = load(segment, {.optimize = optimize});
    // Copied: what becomes of the files is of no matter any more.
    for (const Segment::File& file : segment.files) {
      std::fill_n(const_cast<std::byte*>(file.bytes.data()), file.bytes.size(), std::byte{66});
    }
    segment.files.clear();
    EXPECT_EQ(values<float>(run(*program, {x})[0]), values<float>(want)) << optimize;
  }
}

TEST(OnnxRuntime, FilesInMemoryThatDoNotFitAreInvalid) {
  const Tensor a = pattern({64, 64});
  const Tensor b = pattern({64});
  for (const char* offset : {"4097", "20480", "-1", "18446744073709551615", "9223372036854775807",
                             "18446744073709547520"}) {
    EXPECT_EQ(load_error(from_files(a, b, offset)).kind, Kind::kInvalid) << offset;
  }
  Segment missing = from_files(a, b);
  missing.files.erase(missing.files.begin());
  EXPECT_EQ(load_error(missing).kind, Kind::kInvalid);
  // Nor is a file of that name taken from the disk.
  const test::TempDir folder;
  const fs::path before = fs::current_path();
  fs::current_path(folder.path());
  std::ofstream("first.data") << std::string(4096 + 64 * 64 * 4, 'x');
  const Error error = load_error(missing);
  fs::current_path(before);
  EXPECT_EQ(error.kind, Kind::kInvalid) << error.message;
}

// y = x + an initializer of an If's branches that lies in the file "secret" of the working
// directory.
Segment with_a_file_in_a_branch() {
  onnx::ModelProto model;
  Segment segment = small_segment({{"x", DType::kF32, {4}}}, node("Identity", {"x"}, "y"),
                                  {{"y", DType::kF32, {4}}});
  EXPECT_TRUE(model.ParseFromString(segment.model));
  onnx::GraphProto branch;
  branch.set_name("branch");
  onnx::TensorProto& tensor = *branch.add_initializer();
  tensor.set_name("w");
  tensor.set_data_type(onnx::TensorProto::FLOAT);
  tensor.add_dims(4);
  tensor.set_data_location(onnx::TensorProto::EXTERNAL);
  auto& entry = *tensor.add_external_data();
  entry.set_key("location");
  entry.set_value("secret");
  onnx::NodeProto& sum = *branch.add_node();
  sum.set_op_type("Add");
  sum.add_input("x");
  sum.add_input("w");
  sum.add_output("z");
  branch.add_output()->set_name("z");
  onnx::GraphProto& graph = *model.mutable_graph();
  graph.clear_node();
  onnx::TensorProto& condition = *graph.add_initializer();
  condition.set_name("c");
  condition.set_data_type(onnx::TensorProto::BOOL);
  condition.add_int32_data(1);
  onnx::NodeProto& choice = *graph.add_node();
  choice.set_op_type("If");
  choice.add_input("c");
  choice.add_output("y");
  for (const char* name : {"then_branch", "else_branch"}) {
    auto& attribute = *choice.add_attribute();
    attribute.set_name(name);
    attribute.set_type(onnx::AttributeProto::GRAPH);
    *attribute.mutable_g() = branch;
  }
  segment.model = model.SerializeAsString();
  return segment;
}

TEST(OnnxRuntime, ASegmentReadsNoFileOfThisMachine) {
  const test::TempDir folder;
  const fs::path before = fs::current_path();
  fs::current_path(folder.path());
  std::ofstream("secret") << std::string(16, 'x');
  std::ofstream("first.data") << std::string(4096 + 64 * 64 * 4, 'x');
  fs::create_directory("sub");
  std::ofstream("sub/second.data") << std::string(256, 'x');
  std::vector<Segment> segments = {with_a_file_in_a_branch(),
                                   from_files(pattern({64, 64}), pattern({64}))};
  segments.push_back(segments[0]);  // beside a file in memory
  segments.back().files = segments[1].files;
  segments[1].files.clear();
  for (const Segment& segment : segments) {
    EXPECT_EQ(load_error(segment).kind, Kind::kInvalid);
  }
  fs::current_path(before);
}

TEST(OnnxRuntime, OnlyOnnxIsRead) {
  // ONNX Runtime's own format begins with the length of a flatbuffer's table and these letters.
  Segment segment;
  segment.model = std::string("\x18\0\0\0ORTM", 8) + std::string(64, '\0');
  const Error error = load_error(segment);
  EXPECT_EQ(error.kind, Kind::kInvalid);
  EXPECT_THAT(error.message, testing::Not(testing::HasSubstr("ORT format")));
}

TEST(OnnxRuntime, ALoadedProgramHoldsItsWeightsOnce) {
  constexpr int64_t kSize = 8192;  // squared, in f32: 256 MiB
  constexpr double kWeightMiB = 256;
  const uint64_t before = resident_bytes();
  const auto program = load(matmul(kSize));
  const double grown = static_cast<double>(resident_bytes() - before) / (1 << 20);
  run(*program, {pattern({1, kSize})});
  const double after_run = static_cast<double>(resident_bytes() - before) / (1 << 20);
  std::cout << "resident after load: " << grown << " MiB, after a run: " << after_run
            << " MiB, for weights of " << kWeightMiB << " MiB\n";
  if (kSanitized) GTEST_SKIP() << "sanitizers keep freed memory";
  EXPECT_LT(grown, 1.25 * kWeightMiB);
  EXPECT_LT(after_run, 1.25 * kWeightMiB);
}

TEST(OnnxRuntime, WeightsNeedNoAlignment) {
  const Tensor w = pattern({64, 64});
  const Tensor x = pattern({8, 64});
  const auto make = [&](const Tensor& weight) {
    return small_segment({{"x", DType::kF32, {-1, 64}}}, node("MatMul", {"x", "w"}, "y"),
                         {{"y", DType::kF32, {-1, 64}}}, {{"w", weight}});
  };
  const Tensor want = run(*load(make(w)), {x})[0];
  for (const size_t offset : {1, 2, 3, 4, 5, 8, 60}) {
    auto memory = std::make_shared<std::vector<std::byte>>(w.data().size() + 64);
    std::ranges::copy(w.data(), memory->begin() + static_cast<std::ptrdiff_t>(offset));
    const Tensor unaligned = *Tensor::adopt(
        DType::kF32, {64, 64}, Bytes(*memory).subspan(offset, w.data().size()), memory);
    EXPECT_TRUE(std::ranges::equal(run(*load(make(unaligned)), {x})[0].data(), want.data()))
        << offset;
  }
}

// Weights of types that cannot cross a segment's border can still be handed over.
TEST(OnnxRuntime, PackedAndBoolWeights) {
  const Tensor mask = tensor_of<uint8_t>(DType::kBool, {4}, {1, 0, 0, 1});
  const auto where = load(small_segment({{"x", DType::kF32, {4}}, {"y", DType::kF32, {4}}},
                                        node("Where", {"mask", "x", "y"}, "z"),
                                        {{"z", DType::kF32, {4}}}, {{"mask", mask}}));
  EXPECT_THAT(values<float>(run(*where, {floats({4}, {1, 2, 3, 4}), floats({4}, {5, 6, 7, 8})})[0]),
              ElementsAre(1, 6, 7, 4));

  // 1, 2, -1, -8, 7 in the low nibble first; x + dequantized.
  for (const auto& [dtype, want] : {std::pair{DType::kI4, std::vector<float>{1, 2, -1, -8, 7}},
                                    std::pair{DType::kU4, std::vector<float>{1, 2, 15, 8, 7}}}) {
    const Tensor packed = *Tensor::copy_of(dtype, {5}, as_bytes("\x21\x8f\x07"));
    const auto program = load(small_segment(
        {{"x", DType::kF32, {5}}},
        "node { op_type: 'Constant' output: 's' attribute { name: 'value_float' type: FLOAT "
        "f: 1 } } " +
            node("DequantizeLinear", {"w", "s"}, "d") + node("Add", {"x", "d"}, "y"),
        {{"y", DType::kF32, {5}}}, {{"w", packed}}, 21));
    EXPECT_EQ(values<float>(run(*program, {floats({5}, {0, 0, 0, 0, 0})})[0]), want)
        << dtype_name(dtype);
  }
}

// ONNX Runtime and ONNX number these types differently.
TEST(OnnxRuntime, TypesThatCannotCrossAreCalledByTheirNames) {
  for (const DType dtype : {DType::kI4, DType::kU4, DType::kF8E8M0, DType::kU2, DType::kI2}) {
    const Error error = load_error(small_segment(
        {{"x", dtype, {4}}}, node("Cast", {"x"}, "y", "attribute { name: 'to' type: INT i: 1 }"),
        {{"y", DType::kF32, {4}}}, {}, 25));
    if (error.message.find("ONNX Runtime") == 0) continue;  // this version does not know the type
    EXPECT_EQ(error.kind, Kind::kUnsupported);
    EXPECT_THAT(error.message, HasSubstr(fmt::format("input 'x' is {}:", dtype_name(dtype))));
  }
}

TEST(OnnxRuntime, DoesNotSpinWhileIdle) {
  const auto program = load(matmul(512), {.threads = 2});
  for (int i = 0; i < 5; ++i) run(*program, {pattern({256, 512})});
  // A thread that spins does so in every window; what else may run in a process does not.
  double least = 1;
  for (int window = 0; window < 10; ++window) {
    const double before = cpu_seconds();
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    least = std::min(least, cpu_seconds() - before);
  }
  EXPECT_LT(least, 0.010);
}

}  // namespace
}  // namespace cloister
