#include "wire/oip_tensor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/oip.h"

namespace cloister::oip {
namespace {

using testing::ElementsAre;

std::string tensor_json(std::string_view name, std::string_view datatype, std::string_view shape,
                        std::string_view size) {
  return fmt::format(
      R"({{"name":"{}","datatype":"{}","shape":{},"parameters":{{"binary_data_size":{}}}}})", name,
      datatype, shape, size);
}

// A request of these inputs, with `sections` behind it.
Result<InferRequest> parse_tensor(const std::string& inputs, std::string_view sections,
                                  size_t misalignment = 0) {
  std::string json = "{\"inputs\":[" + inputs + "]}";
  json.resize((json.size() + 63) / 64 * 64, ' ');
  return parse_infer_request(test::shared_body(json + std::string(sections), misalignment),
                             json.size());
}

std::string tensor_refusal(const std::string& inputs, std::string_view sections) {
  const auto request = parse_tensor(inputs, sections);
  return request ? "" : request.error().message;
}

// struct.pack('<2f', 0.1, -3), ('<2q', -1, 2**40), ('<4e', 1.5, -2, 65504, 6e-8)
constexpr std::string_view kFloats("\xcd\xcc\xcc\x3d\x00\x00\x40\xc0", 8);
constexpr std::string_view kLongs(
    "\xff\xff\xff\xff\xff\xff\xff\xff\x00\x00\x00\x00\x00\x01\x00\x00", 16);
constexpr std::string_view kHalves("\x00\x3e\x00\xc0\xff\x7b\x01\x00", 8);

TEST(OipTensor, SectionsFollowInTheOrderOfTheInputs) {
  const auto request = parse_tensor(
      tensor_json("f", "FP32", "[1,2]", "8") + "," + tensor_json("l", "INT64", "[2]", "16") +
          R"(,{"name":"j","datatype":"INT8","shape":[1],"data":[5]},)" +
          tensor_json("h", "FP16", "[4]", "8") + "," + tensor_json("b", "BOOL", "[3]", "3"),
      std::string(kFloats) + std::string(kLongs) + std::string(kHalves) +
          std::string("\x01\x00\x01", 3));
  ASSERT_TRUE(request) << request.error().message;
  ASSERT_EQ(request->inputs.size(), 5U);
  EXPECT_THAT(request->inputs[0].tensor.as<float>(), ElementsAre(0.1F, -3));
  EXPECT_EQ(request->inputs[0].tensor.shape(), Shape({1, 2}));
  EXPECT_THAT(request->inputs[1].tensor.as<int64_t>(), ElementsAre(-1, int64_t{1} << 40));
  EXPECT_THAT(request->inputs[2].tensor.as<int8_t>(), ElementsAre(5));
  EXPECT_THAT(request->inputs[3].tensor.as<uint16_t>(), ElementsAre(0x3e00, 0xc000, 0x7bff, 1));
  EXPECT_THAT(request->inputs[4].tensor.as<uint8_t>(), ElementsAre(1, 0, 1));
}

TEST(OipTensor, AlignedSectionsAreNotCopied) {
  const std::string input = tensor_json("l", "INT64", "[2]", "16");
  std::string json = "{\"inputs\":[" + input + "]}";
  json.resize(128, ' ');
  for (size_t misalignment = 0; misalignment < 9; ++misalignment) {
    SharedBytes body = test::shared_body(json + std::string(kLongs), misalignment);
    const std::byte* section = body.bytes.data() + json.size();
    const auto request = parse_infer_request(body, json.size());
    body = {};
    ASSERT_TRUE(request) << request.error().message;
    const Tensor& tensor = request->inputs[0].tensor;
    EXPECT_EQ(tensor.data().data() == section, misalignment % 8 == 0);
    EXPECT_THAT(tensor.as<int64_t>(), ElementsAre(-1, int64_t{1} << 40));
  }
}

TEST(OipTensor, EmptySections) {
  const auto request = parse_tensor(tensor_json("x", "FP64", "[0,3]", "0"), "");
  ASSERT_TRUE(request) << request.error().message;
  EXPECT_EQ(request->inputs[0].tensor.shape(), Shape({0, 3}));
}

TEST(OipTensor, MalformedSections) {
  const std::string x = tensor_json("x", "FP32", "[1,2]", "8");
  EXPECT_EQ(tensor_refusal(x, kFloats.substr(1)), "input 'x': binary data: 7 bytes left, need 8");
  EXPECT_EQ(tensor_refusal(x, std::string(kFloats) + "!"), "1 bytes left over after all inputs");
  EXPECT_EQ(tensor_refusal("", "!"), "1 bytes left over after all inputs");
  EXPECT_EQ(tensor_refusal(tensor_json("x", "FP32", "[1,2]", "4"), kFloats),
            "input 'x': binary_data_size: 4, want 8 (FP32 [1,2])");
  EXPECT_EQ(tensor_refusal(tensor_json("x", "FP32", "[1,2]", "-8"), kFloats),
            "input 'x': binary_data_size: -8, want 8 (FP32 [1,2])");
  EXPECT_EQ(tensor_refusal(tensor_json("x", "FP32", "[1,2]", "8.0"), kFloats),
            "input 'x': binary_data_size: 8.0, want 8 (FP32 [1,2])");
  EXPECT_EQ(tensor_refusal(tensor_json("x", "FP32", "[1,2]", "\"8\""), kFloats),
            "input 'x': binary_data_size: '8', want 8 (FP32 [1,2])");
  EXPECT_EQ(tensor_refusal(tensor_json("x", "FP32", "[4294967296,4294967296]", "0"), kFloats),
            "input 'x': shape [4294967296,4294967296] is too large");
  EXPECT_EQ(tensor_refusal(tensor_json("x", "FP32", "[4611686018427387904]", "0"), kFloats),
            "input 'x': shape [4611686018427387904] of f32 is too large");
  EXPECT_EQ(tensor_refusal(tensor_json("x", "FP32", "[1000000000000]", "4000000000000"), kFloats),
            "input 'x': binary data: 8 bytes left, need 4000000000000");
  EXPECT_EQ(tensor_refusal(tensor_json("x", "BOOL", "[2]", "2"), "\x01\x02"),
            "input 'x': element 1 is the byte 2, want 0 or 1");
  // Two tensors can't share a section.
  EXPECT_EQ(tensor_refusal(x + "," + tensor_json("y", "FP32", "[1,2]", "8"), kFloats),
            "input 'y': binary data: 0 bytes left, need 8");
}

TEST(OipTensor, BodiesAreTakenApart) {
  const SharedBytes body = test::shared_body("{} 1234");
  EXPECT_EQ(split_body(body, std::nullopt)->json.size(), 7U);
  EXPECT_FALSE(split_body(body, std::nullopt)->extended);
  const auto payload = split_body(body, 2);
  EXPECT_EQ(as_text(payload->json), "{}");
  EXPECT_EQ(payload->sections.left(), 5U);
  EXPECT_TRUE(payload->extended);
  EXPECT_EQ(split_body(body, 7)->sections.left(), 0U);
  EXPECT_EQ(split_body(body, 8).error().message,
            "Inference-Header-Content-Length: 8, but the body has 7 bytes");
  EXPECT_FALSE(split_body(body, UINT64_MAX));
  EXPECT_EQ(split_body(body, 0).error().message,
            "Inference-Header-Content-Length: 0 (a raw binary request), which is not supported");
}

TEST(OipTensor, SectionsBeginAligned) {
  for (size_t length = 1; length < 130; ++length) {
    Message message{.json = std::string(length, '{')};
    finish(message);
    EXPECT_EQ(message.json.size(), length);
    EXPECT_FALSE(message.extended);
    message.binary.push_back(*Tensor::make(DType::kF32, {1}));
    finish(message);
    EXPECT_EQ(message.json.size() % 64, 0U);
    EXPECT_LT(message.json.size(), length + 64);
    EXPECT_TRUE(message.extended);
  }
}

TEST(OipTensor, WhatCannotBeWrittenIsRefused) {
  Message message;
  EXPECT_EQ(append_tensor(message, "output", {"y", Tensor()}, false).error().message,
            "output 'y': 0 bytes, want 4");
  EXPECT_EQ(
      append_tensor(message, "output", {"y", *Tensor::make(DType::kC64, {1})}, true).error().kind,
      Kind::kUnsupported);
  EXPECT_EQ(check_names("output", {"a", "b", "a"}).error().message,
            "output 'a': there is more than one");
  EXPECT_EQ(check_names("output", {""}).error().message, "an output's name is empty");
}

}  // namespace
}  // namespace cloister::oip
