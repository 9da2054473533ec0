#include "graph/model.h"

#include <random>

#include "graph/external_data.h"
#include "graph/extract.h"
#include "tests/support/graphs.h"
#include "tests/support/temp_dir.h"

namespace cloister {
namespace {

using test::expect_error;
using test::TempDir;
using test::TestGraph;
using test::value_of;

// A model with most of what a file can hold: weights, typed data, a branch, value_info, metadata.
onnx::ModelProto sample() {
  TestGraph branch;
  branch.op("inner", "Add", {"h", "bias"});
  branch.outputs({"inner"});
  const onnx::GraphProto body = body_of(branch);
  TestGraph b;
  b.f32("x", {"N", 20});
  b.input("cond", DType::kBool, {});
  b.random("w", {20, 20});
  b.random("bias", {20});
  b.ints("shape", {0, 20});
  b.op("c", "Constant", {}, {{"value", zoo::make_tensor<float>({1}, {2.0F})}});
  b.op("a", "MatMul", {"x", "w"});
  b.op("r", "Reshape", {"a", "shape"});
  b.op("h", "Mul", {"r", "c"});
  b.op("y", "If", {"cond"}, {{"then_branch", body}, {"else_branch", body}});
  b.outputs({"y"});
  auto& info = *b.graph().add_value_info();
  info.set_name("h");
  info.mutable_type()->mutable_tensor_type()->set_elem_type(1);
  return b.finish();
}

// What every accepted model goes through must end, too.
void expect_usable(const Model& model) {
  auto graph = build_graph(model);
  if (!graph) {
    EXPECT_THAT(graph.error().message, testing::HasSubstr("cycle"));
    return;
  }
  const CutList list = list_cuts(*graph);
  for (const Cut& cut : list.cuts) {
    [[maybe_unused]] const auto head = extract(*graph, {0, cut.position});
  }
}

TEST(ParseModel, TruncatedAnywhere) {
  const std::string whole = sample().SerializeAsString();
  const TempDir dir;
  ASSERT_TRUE(parse_model(as_bytes(whole), dir.path()));
  for (size_t size = 0; size < whole.size(); ++size) {
    SCOPED_TRACE(size);
    expect_error(parse_model(as_bytes(whole).first(size), dir.path()), Kind::kInvalid, "");
  }
}

TEST(ParseModel, BytesChangedAnywhere) {
  const std::string whole = sample().SerializeAsString();
  const TempDir dir;
  std::mt19937 random(7);
  size_t accepted = 0;
  for (int round = 0; round < 6000; ++round) {
    SCOPED_TRACE(round);
    std::string changed = whole;
    for (unsigned flips = 1 + random() % 4; flips > 0; --flips) {
      changed[random() % changed.size()] = static_cast<char>(random());
    }
    const auto model = parse_model(as_bytes(changed), dir.path());
    if (!model) {
      EXPECT_THAT(model.error().message, testing::Not(testing::HasSubstr("\n")));
      EXPECT_NE(static_cast<int>(model.error().kind), static_cast<int>(Kind::kInternal));
      continue;
    }
    ++accepted;
    expect_usable(*model);
  }
  EXPECT_GT(accepted, 1000U);  // most bytes are weights
}

TEST(ParseModel, OtherFiles) {
  const TempDir dir;
  const auto parse = [&](std::string_view text) { return parse_model(as_bytes(text), dir.path()); };
  expect_error(parse(""), Kind::kInvalid, "the file is empty");
  expect_error(parse(std::string(64, '\0')), Kind::kInvalid, "not an ONNX model");
  expect_error(parse("{\"model\": \"text\"}\n"), Kind::kInvalid, "not an ONNX model");
  expect_error(parse("\x89PNG\r\n\x1a\n"), Kind::kInvalid, "not an ONNX model");
  expect_error(parse(std::string(100000, '\x0a')), Kind::kInvalid, "not an ONNX model");
}

TEST(ParseModel, DeeplyNestedGraphsEnd) {
  // Protobuf stops at 100 levels; what it lets through must not exhaust the stack.
  onnx::GraphProto inner = sample().graph();
  const TempDir dir;
  for (int depth = 1; depth <= 60; ++depth) {
    TestGraph b;
    b.f32("x");
    b.input("cond", DType::kBool, {});
    b.op("y", "If", {"cond"}, {{"then_branch", inner}});
    b.outputs({"y"});
    inner = b.graph();
    const auto model = parse_model(as_bytes(b.finish().SerializeAsString()), dir.path());
    if (model) expect_usable(*model);
    EXPECT_TRUE(model || depth > 25) << depth << model.error().message;
  }
}

TEST(ReadModel, FilesThatAreNotThere) {
  const TempDir dir;
  expect_error(read_model(dir / "none.onnx"), Kind::kNotFound, "none.onnx': No such file");
  expect_error(read_model(dir.path()), Kind::kIo, "not a regular file");
}

TEST(ReadModel, NamesTheFileAndHashesIt) {
  const TempDir dir;
  ASSERT_TRUE(write_file(dir / "empty.onnx", ""));
  expect_error(read_model(dir / "empty.onnx"), Kind::kInvalid, "empty.onnx': the file is empty");
  ASSERT_TRUE(write_file(dir / "m.onnx", sample().SerializeAsString()));
  const Model model = value_of(read_model(dir / "m.onnx"));
  EXPECT_EQ(model.file_sha256.size(), 64U);
  EXPECT_EQ(model.file_sha256,
            value_of(parse_model(as_bytes(sample().SerializeAsString()), "/")).file_sha256);
}

TEST(MakeModel, KeepsLargeWeightsApart) {
  const Model model = value_of(make_model(sample()));
  EXPECT_EQ(model.file_sha256, "");
  ASSERT_EQ(model.weights.size(), 1U);
  EXPECT_EQ(model.weights.at("w").shape(), (Shape{20, 20}));
  EXPECT_LT(model.proto->ByteSizeLong(), 1600U);
  const Segment segment = to_segment(model);
  ASSERT_EQ(segment.weights.size(), 1U);
  EXPECT_EQ(segment.weights[0].name, "w");
  EXPECT_EQ(segment.model, model.proto->SerializeAsString());
}

TEST(MakeModel, ReadsNoFiles) {
  onnx::ModelProto proto = sample();
  auto& tensor = *proto.mutable_graph()->mutable_initializer(0);
  tensor.clear_raw_data();
  tensor.set_data_location(onnx::TensorProto::EXTERNAL);
  auto& entry = *tensor.add_external_data();
  entry.set_key("location");
  entry.set_value("weights.bin");
  EXPECT_FALSE(make_model(proto));
}

// The segment's weights moved into a file in memory, behind 3 bytes of something else.
Segment with_file(const Segment& segment) {
  onnx::ModelProto proto;
  EXPECT_TRUE(proto.ParseFromString(segment.model));
  Segment out;
  const auto bytes = std::make_shared<std::string>("abc");
  for (const NamedTensor& weight : segment.weights) {
    for (auto& tensor : *proto.mutable_graph()->mutable_initializer()) {
      if (tensor.name() != weight.name) continue;
      mark_external(tensor, "w.data", bytes->size(), weight.tensor.data().size());
    }
    *bytes += as_text(weight.tensor.data());
  }
  out.model = proto.SerializeAsString();
  out.files.push_back({"w.data", as_bytes(*bytes), bytes});
  return out;
}

TEST(ToModel, OfBothFormsOfASegment) {
  const Model model = value_of(make_model(sample()));
  const Segment segment = to_segment(model);
  for (const Segment& form : {segment, with_file(segment)}) {
    const Model again = value_of(to_model(form));
    EXPECT_EQ(again.proto->SerializeAsString(), model.proto->SerializeAsString());
    ASSERT_EQ(again.weights.size(), 1U);
    const Tensor& weight = again.weights.at("w");
    EXPECT_EQ(weight.shape(), model.weights.at("w").shape());
    EXPECT_EQ(as_text(weight.data()), as_text(model.weights.at("w").data()));
    EXPECT_EQ(reinterpret_cast<uintptr_t>(weight.data().data()) % sizeof(float), 0U);
    EXPECT_EQ(to_segment(again).model, segment.model);
  }
  EXPECT_EQ(value_of(to_model(segment)).weights.at("w").data().data(),
            model.weights.at("w").data().data())
      << "copied";
}

TEST(ToModel, RefusesWeightsThatAreNotThereOrDoNotFit) {
  const Segment segment = to_segment(value_of(make_model(sample())));
  Segment other = segment;
  other.weights[0].name = "v";
  expect_error(to_model(other), Kind::kNotFound, "no file 'weights' in memory");
  other.weights[0] = {"w", value_of(Tensor::make(DType::kF32, {20, 19}))};
  expect_error(to_model(other), Kind::kInvalid, "tensor 'w': external data has length 1520");
  other = with_file(segment);
  other.files[0].bytes = other.files[0].bytes.first(1000);
  expect_error(to_model(other), Kind::kInvalid, "'w.data', which has 1000");
  other.files[0].name = "w";
  expect_error(to_model(other), Kind::kNotFound, "no file 'w.data' in memory");
  other.model = "not a model";
  expect_error(to_model(other), Kind::kInvalid, "not an ONNX model");
}

// A file of that name on the disk is not the segment's.
TEST(ToModel, ReadsNoFiles) {
  const TempDir dir;
  const fs::path before = fs::current_path();
  Segment segment = with_file(to_segment(value_of(make_model(sample()))));
  ASSERT_TRUE(write_file(dir / "w.data", as_text(segment.files[0].bytes)));
  segment.files.clear();
  fs::current_path(dir.path());
  const auto model = to_model(segment);
  fs::current_path(before);
  expect_error(model, Kind::kNotFound, "in memory");
}

}  // namespace
}  // namespace cloister
