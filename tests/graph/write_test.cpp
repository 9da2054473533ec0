#include <google/protobuf/util/message_differencer.h>

#include <algorithm>

#include "graph/extract.h"
#include "graph/model.h"
#include "tests/support/graphs.h"
#include "tests/support/temp_dir.h"

namespace cloister {
namespace {

using test::TempDir;
using test::TestGraph;
using test::value_of;

// Fields that the protobuf of this build does not know, everywhere.
void add_unknown_fields(onnx::ModelProto& model) {
  const auto add = [](auto& message, int field) {
    message.mutable_unknown_fields()->AddLengthDelimited(field, "from the future");
    message.mutable_unknown_fields()->AddVarint(field + 1, 42);
  };
  add(model, 120);
  add(*model.mutable_graph(), 16);
  add(*model.mutable_graph()->mutable_node(0), 9);
  for (auto& tensor : *model.mutable_graph()->mutable_initializer()) add(tensor, 16);
}

// Two large weights around a small one, metadata, a function and value_info.
onnx::ModelProto model_with_weights() {
  TestGraph b;
  b.f32("x", {"N", 20});
  b.random("w1", {20, 20});
  b.random("bias", {20});
  b.random("w2", {20, 30});
  b.op("a", "MatMul", {"x", "w1"});
  b.op("h", "Add", {"a", "bias"});
  b.op("y", "MatMul", {"h", "w2"});
  b.output("y", DType::kF32, {"N", 30});
  onnx::ModelProto model = b.finish();
  auto& property = *model.add_metadata_props();
  property.set_key("author");
  property.set_value("me");
  model.mutable_graph()->set_doc_string("what it is");
  model.mutable_graph()->mutable_initializer(0)->set_doc_string("the first");
  return model;
}

const onnx::TensorProto& initializer(const onnx::ModelProto& model, const std::string& name) {
  return *std::ranges::find(model.graph().initializer(), name, &onnx::TensorProto::name);
}

// Equal but for the order of initializers, which has no meaning.
void expect_equal(const Model& a, const Model& b) {
  using google::protobuf::util::MessageDifferencer;
  onnx::ModelProto left = *a.proto;
  onnx::ModelProto right = *b.proto;
  for (auto* model : {&left, &right}) {
    std::ranges::sort(*model->mutable_graph()->mutable_initializer(), {}, &onnx::TensorProto::name);
  }
  MessageDifferencer differencer;
  std::string differences;
  differencer.ReportDifferencesToString(&differences);
  EXPECT_TRUE(differencer.Compare(left, right)) << differences;
  ASSERT_EQ(a.weights.size(), b.weights.size());
  for (const auto& [name, tensor] : a.weights) {
    ASSERT_TRUE(b.weights.contains(name));
    EXPECT_EQ(b.weights.at(name).shape(), tensor.shape());
    EXPECT_EQ(as_text(b.weights.at(name).data()), as_text(tensor.data())) << name;
  }
}

TEST(WriteModel, ReadsBackTheSame) {
  const TempDir dir;
  const Model model = value_of(make_model(model_with_weights()));
  ASSERT_EQ(model.weights.size(), 2U);
  ASSERT_TRUE(write_model(model, dir / "m.onnx"));
  expect_equal(model, value_of(read_model(dir / "m.onnx")));
  EXPECT_FALSE(fs::exists(dir / "m.onnx.data"));
  // It is plain ONNX: every value is in its initializer.
  onnx::ModelProto plain;
  ASSERT_TRUE(plain.ParseFromString(value_of(read_file(dir / "m.onnx"))));
  const onnx::ModelProto original = model_with_weights();
  for (const auto& tensor : original.graph().initializer()) {
    EXPECT_EQ(initializer(plain, tensor.name()).SerializeAsString(), tensor.SerializeAsString());
  }
}

TEST(WriteModel, KeepsUnknownFields) {
  const TempDir dir;
  onnx::ModelProto proto = model_with_weights();
  add_unknown_fields(proto);
  ASSERT_TRUE(write_file(dir / "m.onnx", proto.SerializeAsString()));
  const Model model = value_of(read_model(dir / "m.onnx"));
  for (const uint64_t limit : {kMaxInlineBytes, uint64_t{0}}) {
    ASSERT_TRUE(write_model(model, dir / "again.onnx", limit));
    const Model again = value_of(read_model(dir / "again.onnx"));
    expect_equal(model, again);
    EXPECT_EQ(again.proto->unknown_fields().field_count(), 2);
    EXPECT_EQ(again.proto->graph().unknown_fields().field_count(), 2);
    EXPECT_EQ(again.proto->graph().node(0).unknown_fields().field_count(), 2);
    for (const auto& tensor : again.proto->graph().initializer()) {
      EXPECT_EQ(tensor.unknown_fields().field_count(), 2) << tensor.name();
      EXPECT_EQ(tensor.doc_string(), tensor.name() == "w1" ? "the first" : "");
    }
  }
}

TEST(WriteModel, ExternalFormReadsBackTheSame) {
  const TempDir dir;
  const Model model = value_of(make_model(model_with_weights()));
  ASSERT_TRUE(write_model(model, dir / "m.onnx", 0));
  const Model again = value_of(read_model(dir / "m.onnx"));
  expect_equal(model, again);
  onnx::ModelProto plain;
  ASSERT_TRUE(plain.ParseFromString(value_of(read_file(dir / "m.onnx"))));
  const auto& w2 = initializer(plain, "w2");
  EXPECT_EQ(w2.external_data(0).value(), "m.onnx.data");
  EXPECT_EQ(w2.external_data(1).value(), "4096");  // the next page
  EXPECT_EQ(w2.external_data(2).value(), "2400");
  EXPECT_EQ(fs::file_size(dir / "m.onnx.data"), 4096U + 2400U);
  // Over itself: what is mapped from the old files goes into the new ones.
  ASSERT_TRUE(write_model(again, dir / "m.onnx", 0));
  expect_equal(model, value_of(read_model(dir / "m.onnx")));
}

TEST(WriteModel, TheLimitDecidesTheForm) {
  const TempDir dir;
  const Model model = value_of(make_model(model_with_weights()));
  const uint64_t total = model.proto->ByteSizeLong() + 1600 + 2400;
  ASSERT_TRUE(write_model(model, dir / "a.onnx", total));
  EXPECT_FALSE(fs::exists(dir / "a.onnx.data"));
  const auto files = write_model(model, dir / "b.onnx", total - 1);
  ASSERT_TRUE(files);
  EXPECT_THAT(*files, testing::ElementsAre(dir / "b.onnx", dir / "b.onnx.data"));
  EXPECT_TRUE(fs::exists(dir / "b.onnx.data"));
  // Protobuf stops at 2 GB, the form must change before.
  EXPECT_LT(kMaxInlineBytes, uint64_t{1} << 31);
}

TEST(WriteModel, FailuresLeaveTheOldFile) {
  const TempDir dir;
  const Model model = value_of(make_model(model_with_weights()));
  test::expect_error(write_model(model, dir / "no/such/folder.onnx"), Kind::kNotFound, "folder");
  test::expect_error(write_model(model, dir / "no/such/folder.onnx", 0), Kind::kNotFound, "");
  fs::create_directory(dir / "taken");
  EXPECT_FALSE(write_model(model, dir / "taken"));
  EXPECT_TRUE(fs::is_directory(dir / "taken"));
  EXPECT_EQ(std::distance(fs::directory_iterator(dir.path()), {}), 1);
}

TEST(WriteModel, SpecialContents) {
  // 4-bit and text initializers, sparse ones, newer opsets, IR 3 with initializers as inputs.
  TestGraph b;
  b.opset("", 23);
  b.f32("x", {"N", 8});
  b.f32("w", {8, 80});
  b.random("w", {8, 80});
  b.initializer("nibbles", zoo::make_tensor(DType::kI4, {3001}, std::string(1501, 'x')));
  onnx::TensorProto text = zoo::make_tensor(DType::kString, {1}, "");
  text.clear_raw_data();
  text.add_string_data("cat");
  b.initializer("labels", text);
  auto& sparse = *b.graph().add_sparse_initializer();
  *sparse.mutable_values() = zoo::make_tensor<float>({2}, {1.0F, 2.0F});
  sparse.mutable_values()->set_name("sparse");
  *sparse.mutable_indices() = zoo::make_tensor<int64_t>({2}, {0, 5});
  sparse.add_dims(8);
  b.op("y", "Everything", {"x", "w", "nibbles", "labels", "sparse"}, {}, "custom");
  b.outputs({"y"});
  onnx::ModelProto proto = b.finish();
  proto.set_ir_version(3);
  const TempDir dir;
  const Model model = value_of(make_model(proto));
  EXPECT_EQ(model.weights.size(), 2U);
  for (const uint64_t limit : {kMaxInlineBytes, uint64_t{0}}) {
    ASSERT_TRUE(write_model(model, dir / "m.onnx", limit));
    expect_equal(model, value_of(read_model(dir / "m.onnx")));
  }
}

TEST(WriteModel, WeightsInAFileOfTheirOwn) {
  const Model model = value_of(make_model(model_with_weights()));
  const ExternalModel external = value_of(with_external_weights(model, "head.data"));
  std::string data;
  ASSERT_TRUE(write_weights(external, [&](Bytes bytes) -> Result<> {
    data += as_text(bytes);
    return {};
  }));
  EXPECT_EQ(data.size(), external.data_bytes);
  ASSERT_EQ(external.weights.size(), 2U);
  for (const ExternalModel::Placed& weight : external.weights) {
    EXPECT_EQ(weight.offset % 4096, 0U);
    EXPECT_EQ(data.substr(weight.offset, weight.tensor.data().size()),
              as_text(weight.tensor.data()));
  }
  const TempDir dir;
  ASSERT_TRUE(write_file(dir / "any.onnx", external.model));
  ASSERT_TRUE(write_file(dir / "head.data", data));
  expect_equal(model, value_of(read_model(dir / "any.onnx")));
  EXPECT_FALSE(write_weights(external, [](Bytes) -> Result<> { return invalid("full"); }));
}

}  // namespace
}  // namespace cloister
