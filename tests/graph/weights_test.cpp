#include "graph/weights.h"

#include <sys/stat.h>

#include "graph/model.h"
#include "tests/support/graphs.h"
#include "tests/support/temp_dir.h"

namespace cloister {
namespace {

using onnx::TensorProto;
using test::expect_error;
using test::TempDir;
using test::TestGraph;
using test::value_of;

TensorProto tensor_of(DType dtype, const Shape& shape) {
  TensorProto tensor;
  tensor.set_name("t");
  tensor.set_data_type(static_cast<int32_t>(dtype));
  tensor.mutable_dims()->Assign(shape.begin(), shape.end());
  return tensor;
}

TensorProto external(DType dtype, const Shape& shape,
                     const std::vector<std::pair<std::string, std::string>>& entries) {
  TensorProto tensor = tensor_of(dtype, shape);
  tensor.set_data_location(TensorProto::EXTERNAL);
  for (const auto& [key, value] : entries) {
    auto& entry = *tensor.add_external_data();
    entry.set_key(key);
    entry.set_value(value);
  }
  return tensor;
}

// x + t -> y, with `t` an initializer.
onnx::ModelProto holding(const TensorProto& tensor) {
  TestGraph b;
  b.f32("x");
  b.op("y", "Add", {"x", "t"});
  b.outputs({"y"});
  *b.graph().add_initializer() = tensor;
  return b.finish();
}

// x -> If -> y, whose branches hold `t` as an initializer.
onnx::ModelProto holding_in_branch(const TensorProto& tensor) {
  TestGraph branch;
  branch.op("inner", "Add", {"x", "t"});
  branch.outputs({"inner"});
  *branch.graph().add_initializer() = tensor;
  const onnx::GraphProto body = body_of(branch);
  TestGraph b;
  b.f32("x");
  b.input("cond", DType::kBool, {});
  b.op("y", "If", {"cond"}, {{"then_branch", body}, {"else_branch", body}});
  b.outputs({"y"});
  return b.finish();
}

onnx::ModelProto holding_in_constant(const TensorProto& tensor) {
  TestGraph b;
  b.f32("x");
  b.op("t", "Constant", {}, {{"value", tensor}});
  b.op("y", "Add", {"x", "t"});
  b.outputs({"y"});
  return b.finish();
}

Result<Model> parsed_model(const onnx::ModelProto& proto, const fs::path& folder = "/nonexistent") {
  return parse_model(as_bytes(proto.SerializeAsString()), folder);
}

struct WrongTensorCase {
  const char* name;
  TensorProto tensor;
  const char* says;
};

std::vector<WrongTensorCase> wrong_tensors() {
  const auto filled = [](TensorProto tensor, auto fill) {
    fill(tensor);
    return tensor;
  };
  const auto raw = [&](DType dtype, const Shape& shape, size_t bytes) {
    return filled(tensor_of(dtype, shape),
                  [&](auto& t) { t.set_raw_data(std::string(bytes, '\0')); });
  };
  const int64_t huge = int64_t{1} << 40;
  return {
      {"RawSmall", raw(DType::kF32, {2, 3}, 20), "tensor 't': f32 [2,3] has 20 bytes, want 24"},
      {"RawLarge", raw(DType::kF32, {20, 30}, 2401),
       "tensor 't': f32 [20,30] has 2401 bytes, want 2400"},
      {"RawNone", raw(DType::kF32, {20, 30}, 0), "tensor 't': f32 [20,30] has 0 bytes, want 2400"},
      {"Raw4Bit", raw(DType::kI4, {3}, 3), "tensor 't': i4 [3] has 3 bytes, want 2"},
      {"NoData", tensor_of(DType::kF32, {3}), "tensor 't': f32 [3] has 0 values, want 3"},
      {"Floats", filled(tensor_of(DType::kF32, {3}), [](auto& t) { t.add_float_data(1); }),
       "tensor 't': f32 [3] has 1 values, want 3"},
      {"Doubles",
       filled(tensor_of(DType::kF64, {1}), [](auto& t) { t.mutable_double_data()->Resize(2, 0); }),
       "tensor 't': f64 [1] has 2 values, want 1"},
      {"Int32s", filled(tensor_of(DType::kI32, {3}), [](auto& t) { t.add_int32_data(1); }),
       "tensor 't': i32 [3] has 1 values, want 3"},
      {"Bytes", filled(tensor_of(DType::kU8, {3}), [](auto& t) { t.add_int32_data(1); }),
       "tensor 't': u8 [3] has 1 values, want 3"},
      {"Halves", filled(tensor_of(DType::kF16, {3}), [](auto& t) { t.add_int32_data(1); }),
       "tensor 't': f16 [3] has 1 values, want 3"},
      {"Int64s", filled(tensor_of(DType::kI64, {3}), [](auto& t) { t.add_int64_data(1); }),
       "tensor 't': i64 [3] has 1 values, want 3"},
      {"Uint64s", filled(tensor_of(DType::kU64, {3}), [](auto& t) { t.add_uint64_data(1); }),
       "tensor 't': u64 [3] has 1 values, want 3"},
      {"Complex",
       filled(tensor_of(DType::kC64, {2}), [](auto& t) { t.mutable_float_data()->Resize(2, 0); }),
       "tensor 't': c64 [2] has 2 values, want 4"},
      {"WrongField", filled(tensor_of(DType::kI64, {1}), [](auto& t) { t.add_float_data(1); }),
       "tensor 't': i64 [1] has 0 values, want 1"},
      {"Strings", filled(tensor_of(DType::kString, {2}), [](auto& t) { t.add_string_data("a"); }),
       "tensor 't': string [2] has 1 values, want 2"},
      {"Overflow", raw(DType::kF32, {huge, huge}, 8),
       "tensor 't': shape [1099511627776,1099511627776] is too large"},
      {"OverflowBesideZero", raw(DType::kF32, {huge, huge, 0}, 0),
       "[1099511627776,1099511627776,0] is too large"},
      {"Terabytes", tensor_of(DType::kF32, {huge}),
       "tensor 't': f32 [1099511627776] has 0 values, want 1099511627776"},
      {"Negative", raw(DType::kF32, {-3}, 12), "tensor 't': shape [-3] has a negative dimension"},
      {"NoType", filled(raw(DType::kF32, {1}, 4), [](auto& t) { t.clear_data_type(); }),
       "tensor 't': element type 0"},
      {"NegativeType", filled(raw(DType::kF32, {1}, 4), [](auto& t) { t.set_data_type(-2); }),
       "tensor 't': element type -2"},
  };
}

class WrongTensor : public testing::TestWithParam<WrongTensorCase> {};

TEST_P(WrongTensor, IsRefusedWhereverItIs) {
  const auto& [_, tensor, says] = GetParam();
  expect_error(parsed_model(holding(tensor)), Kind::kInvalid, says);
  expect_error(parsed_model(holding_in_branch(tensor)), Kind::kInvalid, says);
  expect_error(parsed_model(holding_in_constant(tensor)), Kind::kInvalid, says);
}

INSTANTIATE_TEST_SUITE_P(Weights, WrongTensor, testing::ValuesIn(wrong_tensors()),
                         [](const auto& test) { return test.param.name; });

TEST(Weights, ClaimsReserveNoMemory) {
  // 1 byte of file must not become 16 bytes of memory each before it is refused.
  TensorProto tensor = tensor_of(DType::kC128, {int64_t{1} << 36});
  tensor.mutable_double_data()->Resize(4096, 0);
  expect_error(parsed_model(holding(tensor)), Kind::kInvalid, "has 4096 values, want 137438953472");
}

TEST(Weights, TypedFieldsAreNarrowed) {
  ExternalFiles none("/nonexistent");
  TensorProto half = tensor_of(DType::kF16, {2});
  half.add_int32_data(0x3c00);
  half.add_int32_data(0xfc00);
  const Tensor halves = value_of(tensor_value(half, none));
  EXPECT_THAT(halves.as<uint16_t>(), testing::ElementsAre(0x3c00, 0xfc00));
  TensorProto small = tensor_of(DType::kI8, {3});
  for (const int value : {-128, 0, 127}) small.add_int32_data(value);
  const Tensor bytes = value_of(tensor_value(small, none));
  EXPECT_THAT(bytes.as<int8_t>(), testing::ElementsAre(-128, 0, 127));
  TensorProto word = tensor_of(DType::kU32, {1});
  word.add_uint64_data(0xffffffff);
  EXPECT_THAT(value_of(tensor_value(word, none)).as<uint32_t>(), testing::ElementsAre(0xffffffff));
  TensorProto nibbles = tensor_of(DType::kU4, {3});
  nibbles.add_int32_data(0x21);
  nibbles.add_int32_data(0x03);
  EXPECT_THAT(value_of(tensor_value(nibbles, none)).as<uint8_t>(), testing::ElementsAre(0x21, 3));
}

TEST(Weights, WhatIsNotKnownPassesThrough) {
  TensorProto newer = tensor_of(DType::kF32, {3});
  newer.set_data_type(77);
  newer.set_raw_data(std::string(5, 'a'));
  const Model model = value_of(parsed_model(holding(newer)));
  EXPECT_EQ(model.proto->graph().initializer(0).SerializeAsString(), newer.SerializeAsString());
  TensorProto text = tensor_of(DType::kString, {400});
  for (int i = 0; i < 400; ++i) text.add_string_data("token");
  EXPECT_EQ(value_of(parsed_model(holding(text))).proto->graph().initializer(0).string_data_size(),
            400);
  EXPECT_TRUE(parsed_model(holding_in_constant(newer)));
  EXPECT_TRUE(parsed_model(holding_in_branch(text)));
  newer.set_data_location(TensorProto::EXTERNAL);
  expect_error(parsed_model(holding(newer)), Kind::kUnsupported, "unknown element type 77");
}

// A folder with 2000 bytes of weights and a link out of it.
class External : public testing::Test {
 protected:
  External() {
    for (int i = 0; i < 2000; ++i) content_ += static_cast<char>(i * 7);
    fs::create_directories(dir_ / "model/sub");
    EXPECT_TRUE(write_file(dir_ / "model/w.bin", content_));
    EXPECT_TRUE(write_file(dir_ / "model/sub/w.bin", content_));
    EXPECT_TRUE(write_file(dir_ / "secret.bin", content_));
    fs::create_symlink(dir_ / "secret.bin", dir_ / "model/out.bin");
    fs::create_symlink("w.bin", dir_ / "model/in.bin");
    fs::create_directory_symlink("..", dir_ / "model/up");
    EXPECT_EQ(::mkfifo((dir_ / "model/pipe").c_str(), 0600), 0);
  }

  Result<Model> read(const onnx::ModelProto& proto) { return parsed_model(proto, dir_ / "model"); }

  TempDir dir_;
  std::string content_;
};

TEST_F(External, IsMappedOrBroughtIn) {
  const auto tensor = external(DType::kF32, {256}, {{"location", "w.bin"}, {"offset", "512"}});
  const Model model = value_of(read(holding(tensor)));
  EXPECT_EQ(as_text(model.weights.at("t").data()), content_.substr(512, 1024));
  const auto small =
      external(DType::kF32, {4}, {{"location", "sub/w.bin"}, {"offset", "4"}, {"length", "16"}});
  const Model inlined = value_of(read(holding(small)));
  EXPECT_TRUE(inlined.weights.empty());
  EXPECT_EQ(inlined.proto->graph().initializer(0).raw_data(), content_.substr(4, 16));
  EXPECT_EQ(inlined.proto->graph().initializer(0).data_location(), TensorProto::DEFAULT);
  EXPECT_TRUE(read(holding(external(DType::kF32, {1}, {{"location", "in.bin"}}))));
  EXPECT_TRUE(
      read(holding(external(DType::kF32, {0}, {{"location", "w.bin"}, {"offset", "2000"}}))));
}

TEST_F(External, OfBranchesAndConstantsIsBroughtIn) {
  const auto tensor = external(DType::kF32, {400}, {{"location", "w.bin"}, {"offset", "400"}});
  for (const auto& proto : {holding_in_branch(tensor), holding_in_constant(tensor)}) {
    const Model model = value_of(read(proto));
    EXPECT_TRUE(model.weights.empty());
    const std::string bytes = model.proto->SerializeAsString();
    EXPECT_NE(bytes.find(content_.substr(400)), std::string::npos);
    EXPECT_EQ(bytes.find("w.bin"), std::string::npos);
  }
}

TEST_F(External, OfTrainingAndFunctionsIsBroughtIn) {
  const auto tensor = external(DType::kF32, {4}, {{"location", "w.bin"}});
  onnx::ModelProto proto = holding(zoo::make_tensor<float>({1}, {1.0F}));
  proto.mutable_graph()->mutable_initializer(0)->set_name("t");
  auto& function = *proto.add_functions();
  function.set_name("F");
  *function.add_node() = holding_in_constant(tensor).graph().node(0);
  *proto.add_training_info()->mutable_initialization()->add_initializer() = tensor;
  const std::string bytes = value_of(read(proto)).proto->SerializeAsString();
  EXPECT_EQ(bytes.find("w.bin"), std::string::npos);
}

TEST_F(External, MayBeginAnywhere) {
  const auto tensor = external(DType::kF32, {300}, {{"location", "w.bin"}, {"offset", "3"}});
  const Model model = value_of(read(holding(tensor)));
  const Tensor& weight = model.weights.at("t");
  EXPECT_EQ(as_text(weight.data()), content_.substr(3, 1200));
  EXPECT_EQ(reinterpret_cast<uintptr_t>(weight.data().data()) % sizeof(float), 0U);
}

TEST_F(External, IsNotCopiedAgainAndAgain) {
  auto tensor = external(DType::kF32, {300}, {{"location", "w.bin"}, {"offset", "3"}});
  onnx::ModelProto proto = holding(tensor);
  tensor.set_name("t2");
  *proto.mutable_graph()->add_initializer() = tensor;
  expect_error(read(proto), Kind::kInvalid, "tensor 't2': tensors that overlap");
}

TEST_F(External, WrongOnesAreRefused) {
  using Entries = std::vector<std::pair<std::string, std::string>>;
  const auto refuses = [&](const Entries& entries, Kind kind, const std::string& says) {
    for (const int64_t count : {4, 300}) {
      const auto tensor = external(DType::kF32, {count}, entries);
      expect_error(read(holding(tensor)), kind, says);
      expect_error(read(holding(tensor)), kind, "tensor 't': ");
      expect_error(read(holding_in_branch(tensor)), kind, says);
      expect_error(read(holding_in_constant(tensor)), kind, says);
    }
  };
  refuses({}, Kind::kInvalid, "external data has no location");
  refuses({{"location", "none.bin"}}, Kind::kNotFound, "no file 'none.bin'");
  refuses({{"location", "../secret.bin"}}, Kind::kRefused, "'../secret.bin' contains '..'");
  refuses({{"location", "sub/../w.bin"}}, Kind::kRefused, "contains '..'");
  refuses({{"location", (dir_ / "secret.bin").string()}}, Kind::kRefused, "is absolute");
  refuses({{"location", "out.bin"}}, Kind::kRefused, "leads out of the model's folder");
  refuses({{"location", "up/secret.bin"}}, Kind::kRefused, "leads out of the model's folder");
  refuses({{"location", std::string("w.bin\0x", 7)}}, Kind::kRefused, "contains a zero byte");
  refuses({{"location", "sub"}}, Kind::kIo, "not a regular file");
  refuses({{"location", "pipe"}}, Kind::kIo, "not a regular file");
  refuses({{"location", "w.bin"}, {"offset", "1999"}}, Kind::kInvalid, "'w.bin', which has 2000");
  refuses({{"location", "w.bin"}, {"offset", "-1"}}, Kind::kInvalid,
          "offset is '-1', want a number");
  refuses({{"location", "w.bin"}, {"offset", "1e3"}}, Kind::kInvalid, "offset is '1e3'");
  refuses({{"location", "w.bin"}, {"offset", ""}}, Kind::kInvalid, "offset is ''");
  refuses({{"location", "w.bin"}, {"offset", "99999999999999999999"}}, Kind::kInvalid,
          "offset is '99999999999999999999'");
  refuses({{"location", "w.bin"}, {"offset", "18446744073709551615"}}, Kind::kInvalid,
          "size overflows");
  refuses({{"location", "w.bin"}, {"length", "15"}}, Kind::kInvalid,
          "external data has length 15, want ");
}

// Files of a model as the Hugging Face hub's cache has them: links to blobs.
class LinkedData : public testing::Test {
 protected:
  LinkedData() {
    const std::string bytes(1200, 'w');
    model_ = holding(external(DType::kF32, {300}, {{"location", "w.bin"}})).SerializeAsString();
    for (const char* folder : {"hub/m/blobs", "hub/m/snapshots/1/onnx", "hub/other", "away"}) {
      fs::create_directories(dir_ / folder);
    }
    EXPECT_TRUE(write_file(dir_ / "hub/m/blobs/aaaa", model_));
    EXPECT_TRUE(write_file(dir_ / "hub/m/blobs/bbbb", bytes));
    EXPECT_TRUE(write_file(dir_ / "hub/other/w", bytes));
    EXPECT_TRUE(write_file(dir_ / "away/w", bytes));
    fs::create_symlink("../../../blobs/aaaa", snapshot() / "m.onnx");
  }
  fs::path snapshot() const { return dir_ / "hub/m/snapshots/1/onnx"; }
  void data_is(const fs::path& target) {
    fs::remove(snapshot() / "w.bin");
    fs::create_symlink(target, snapshot() / "w.bin");
  }
  Result<Model> read(const fs::path& model, const DataLinks& links = {}) {
    return read_model(model, links);
  }

  TempDir dir_;
  std::string model_;
};

TEST_F(LinkedData, BesideTheFileItselfIsRead) {
  data_is("../../../blobs/bbbb");
  EXPECT_EQ(value_of(read(snapshot() / "m.onnx")).weights.at("t").data().size(), 1200U);
  // Another link to it, from elsewhere; and one whose data lies beside the file only.
  fs::create_symlink(snapshot() / "m.onnx", dir_ / "away/m.onnx");
  EXPECT_TRUE(read(dir_ / "away/m.onnx"));
  fs::create_directories(dir_ / "plain");
  ASSERT_TRUE(write_file(dir_ / "plain/m.onnx", model_));
  fs::copy_file(dir_ / "away/w", dir_ / "plain/w.bin");
  fs::create_symlink("../plain/m.onnx", dir_ / "hub/plain.onnx");
  EXPECT_TRUE(read(dir_ / "hub/plain.onnx"));
  fs::remove(dir_ / "plain/w.bin");
  expect_error(read(dir_ / "hub/plain.onnx"), Kind::kNotFound, "no file 'w.bin'");
}

TEST_F(LinkedData, ElsewhereIsReadWhereThatIsAllowed) {
  const fs::path model = snapshot() / "m.onnx";
  const auto refused = [&](const DataLinks& links) {
    expect_error(read(model, links), Kind::kRefused, "'w.bin' leads out of the model's folder");
  };
  data_is(dir_ / "hub/other/w");
  refused({});
  EXPECT_TRUE(read(model, {.caches = {dir_ / "hub"}}));
  EXPECT_TRUE(read(model, {.folders = {dir_ / "nowhere", dir_ / "hub/other"}}));
  refused({.folders = {dir_ / "hub/oth", dir_ / "away"}});
  data_is(dir_ / "away/w");
  refused({.caches = {dir_ / "hub"}});
  EXPECT_TRUE(read(model, {.folders = {dir_ / "away"}}));
  // A cache says nothing of models that lie elsewhere.
  ASSERT_TRUE(write_file(dir_ / "away/m.onnx", model_));
  fs::create_symlink(dir_ / "hub/other/w", dir_ / "away/w.bin");
  expect_error(read(dir_ / "away/m.onnx", {.caches = {dir_ / "hub"}}), Kind::kRefused, "leads out");
}

TEST_F(LinkedData, EscapesAreRefusedAsBefore) {
  const auto refuses = [&](const std::string& location, const std::string& says) {
    ASSERT_TRUE(write_file(
        dir_ / "hub/m/blobs/aaaa",
        holding(external(DType::kF32, {300}, {{"location", location}})).SerializeAsString()));
    expect_error(read(snapshot() / "m.onnx", {.folders = {dir_.path()}, .caches = {dir_ / "hub"}}),
                 Kind::kRefused, says);
  };
  refuses("../../../blobs/bbbb", "contains '..'");
  refuses((dir_ / "hub/m/blobs/bbbb").string(), "is absolute");
  // A link on the way that goes in a circle is no file.
  fs::remove(snapshot() / "m.onnx");
  fs::create_symlink("m.onnx", snapshot() / "m.onnx");
  EXPECT_FALSE(read(snapshot() / "m.onnx"));
}

TEST_F(External, OnlyTheExtentsNamedAreRead) {
  const auto huge = external(DType::kF32, {int64_t{1} << 61}, {{"location", "w.bin"}});
  expect_error(read(holding(huge)), Kind::kInvalid, "is too large");
}

}  // namespace
}  // namespace cloister
