#include "wire/oip_data.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>
#include <cmath>

#include "tensor/convert.h"
#include "tests/support/oip.h"

namespace cloister::oip {
namespace {

using testing::ElementsAre;

Result<Tensor> parse_data(DType dtype, const Shape& shape, std::string_view json) {
  JsonText text;
  TRY(data, text.parse(as_bytes(json)));
  return read_data("input 'x': ", dtype, shape, data, json.size());
}

std::string data_refusal(DType dtype, const Shape& shape, std::string_view json) {
  const auto tensor = parse_data(dtype, shape, json);
  return tensor ? "" : tensor.error().message;
}

std::string written(const Tensor& tensor) {
  std::string json;
  const auto done = append_data(json, "output 'y': ", tensor.view());
  return done ? json : done.error().message;
}

TEST(OipData, FlatAndNestedAreTheSame) {
  const auto flat = parse_data(DType::kI32, {2, 3}, "[1,2,3,4,5,6]");
  const auto nested = parse_data(DType::kI32, {2, 3}, "[[1,2,3],[4,5,6]]");
  ASSERT_TRUE(flat && nested);
  EXPECT_THAT(flat->as<int32_t>(), ElementsAre(1, 2, 3, 4, 5, 6));
  EXPECT_THAT(nested->as<int32_t>(), ElementsAre(1, 2, 3, 4, 5, 6));
  EXPECT_EQ(nested->shape(), Shape({2, 3}));
  EXPECT_TRUE(parse_data(DType::kU8, {1, 2, 1, 2}, "[[[[1,2]],[[3,4]]]]"));
  EXPECT_TRUE(parse_data(DType::kU8, {}, "[7]"));
}

TEST(OipData, WithoutElements) {
  EXPECT_TRUE(parse_data(DType::kF32, {0}, "[]"));
  EXPECT_TRUE(parse_data(DType::kF32, {0, 3}, "[]"));
  EXPECT_TRUE(parse_data(DType::kF32, {2, 0}, "[]"));
  EXPECT_TRUE(parse_data(DType::kF32, {2, 0}, "[[],[]]"));
  EXPECT_EQ(data_refusal(DType::kF32, {2, 0}, "[[]]"),
            "input 'x': data: 1 elements, want 2 (shape [2,0])");
  EXPECT_EQ(data_refusal(DType::kF32, {2, 0}, "[[],[7]]"),
            "input 'x': data[1]: 1 elements, want 0 (shape [2,0])");
  EXPECT_EQ(written(*Tensor::make(DType::kF32, {0, 3})), "[]");
}

TEST(OipData, ValuesOfEachType) {
  EXPECT_THAT(parse_data(DType::kBool, {2}, "[true,false]")->as<uint8_t>(), ElementsAre(1, 0));
  EXPECT_THAT(parse_data(DType::kU8, {2}, "[0,255]")->as<uint8_t>(), ElementsAre(0, 255));
  EXPECT_THAT(parse_data(DType::kI8, {2}, "[-128,127]")->as<int8_t>(), ElementsAre(-128, 127));
  EXPECT_THAT(parse_data(DType::kU16, {2}, "[0,65535]")->as<uint16_t>(), ElementsAre(0, 65535));
  EXPECT_THAT(parse_data(DType::kI16, {2}, "[-32768,32767]")->as<int16_t>(),
              ElementsAre(-32768, 32767));
  EXPECT_THAT(parse_data(DType::kU32, {1}, "[4294967295]")->as<uint32_t>(),
              ElementsAre(4294967295U));
  EXPECT_THAT(parse_data(DType::kI32, {1}, "[-2147483648]")->as<int32_t>(),
              ElementsAre(-2147483647 - 1));
  EXPECT_THAT(parse_data(DType::kU64, {2}, "[0,18446744073709551615]")->as<uint64_t>(),
              ElementsAre(0U, 18446744073709551615U));
  EXPECT_THAT(
      parse_data(DType::kI64, {2}, "[-9223372036854775808,9223372036854775807]")->as<int64_t>(),
      ElementsAre(INT64_MIN, INT64_MAX));
  EXPECT_THAT(parse_data(DType::kF32, {4}, "[1, -0.0, 16777217, 1e-50]")->as<float>(),
              ElementsAre(1.0F, -0.0F, 16777216.0F, 0.0F));
  EXPECT_THAT(parse_data(DType::kF64, {2}, "[0.1, 18446744073709551615]")->as<double>(),
              ElementsAre(0.1, 18446744073709551615.0));
  // 2049 lies between 2048 and 2050, whose half is even.
  EXPECT_THAT(parse_data(DType::kF16, {4}, "[1.5, -2, 65504, 2049]")->as<uint16_t>(),
              ElementsAre(0x3e00, 0xc000, 0x7bff, 0x6800));
  EXPECT_THAT(parse_data(DType::kBF16, {3}, "[1, -0.5, 257]")->as<uint16_t>(),
              ElementsAre(0x3f80, 0xbf00, 0x4380));
}

TEST(OipData, ValuesThatTheTypeCannotHold) {
  struct Bad {
    DType dtype;
    const char* value;
    const char* message;
  };
  const Bad kBad[] = {
      {DType::kBool, "1", "1, want true or false"},
      {DType::kBool, "\"true\"", "'true', want true or false"},
      {DType::kU8, "256", "256, want a whole number from 0 to 255"},
      {DType::kU8, "-1", "-1, want a whole number from 0 to 255"},
      {DType::kI8, "128", "128, want a whole number from -128 to 127"},
      {DType::kI16, "40000", "40000, want a whole number from -32768 to 32767"},
      {DType::kI32, "1.5", "1.5, want a whole number from -2147483648 to 2147483647"},
      {DType::kI32, "1.0", "1.0, want a whole number from -2147483648 to 2147483647"},
      {DType::kU32, "true", "true, want a whole number from 0 to 4294967295"},
      {DType::kI64, "9223372036854775808",
       "9223372036854775808, want a whole number from -9223372036854775808 to "
       "9223372036854775807"},
      {DType::kU64, "-1", "-1, want a whole number from 0 to 18446744073709551615"},
      {DType::kF32, "1e39", "1e+39, want a number within the range of FP32"},
      {DType::kF32, "3.4028235677973366e38",
       "3.4028235677973366e+38, want a number within the range of FP32"},
      {DType::kF32, "true", "true, want a number within the range of FP32"},
      {DType::kF64, "null", "null, want a number within the range of FP64"},
      {DType::kF64, "{}", "an object, want a number within the range of FP64"},
      {DType::kF16, "65520", "65520, want a number within the range of FP16"},
      {DType::kF16, "\"1\"", "'1', want a number within the range of FP16"},
      {DType::kBF16, "-3.4e38", "-3.4e+38, want a number within the range of BF16"},
  };
  for (const Bad& bad : kBad) {
    const std::string good = bad.dtype == DType::kBool ? "false" : "0";
    EXPECT_EQ(data_refusal(bad.dtype, {2}, fmt::format("[{},{}]", good, bad.value)),
              fmt::format("input 'x': data[1]: {}", bad.message));
  }
}

TEST(OipData, DataThatDoesNotFitItsShape) {
  EXPECT_EQ(data_refusal(DType::kF32, {3}, "[1,2]  "),
            "input 'x': data: 2 elements, want 3 (shape [3])");
  EXPECT_EQ(data_refusal(DType::kF32, {1}, "[1,2,3]"),
            "input 'x': data: 3 elements, want 1 (shape [1])");
  EXPECT_EQ(data_refusal(DType::kF32, {1}, "7"), "input 'x': data: 7, want an array");
  EXPECT_EQ(data_refusal(DType::kF32, {}, "7"), "input 'x': data: 7, want an array");
  EXPECT_EQ(data_refusal(DType::kF32, {1}, "{}"), "input 'x': data: an object, want an array");
  EXPECT_EQ(data_refusal(DType::kF32, {2, 2}, "[[1,2],[3]]"),
            "input 'x': data[1]: 1 elements, want 2 (shape [2,2])");
  EXPECT_EQ(data_refusal(DType::kF32, {2, 2}, "[[1,2],[3,4,5]]"),
            "input 'x': data[1]: 3 elements, want 2 (shape [2,2])");
  EXPECT_EQ(data_refusal(DType::kF32, {2, 2}, "[[1,2],[3,4],[5,6]]"),
            "input 'x': data: 3 elements, want 2 (shape [2,2])");
  EXPECT_EQ(data_refusal(DType::kF32, {2, 2}, "[[1,2],3,4]"),
            "input 'x': data[1]: 3, want an array");
  EXPECT_EQ(data_refusal(DType::kF32, {2, 2}, "[1,2,[3,4]]"),
            "input 'x': data[2]: an array, want a number within the range of FP32");
  EXPECT_EQ(data_refusal(DType::kF32, {4}, "[[1,2],[3,4]]"),
            "input 'x': data[0]: an array, want a number within the range of FP32");
  EXPECT_EQ(data_refusal(DType::kF32, {2, 2}, "[[1,2],[3,\"4\"]]"),
            "input 'x': data[1][1]: '4', want a number within the range of FP32");
  EXPECT_EQ(data_refusal(DType::kF32, {1'000'000'000, 1'000}, "[1,2]"),
            "input 'x': shape [1000000000,1000] needs 1000000000000 elements, more than fit 5 "
            "bytes of JSON");
  EXPECT_EQ(data_refusal(DType::kF32, {INT64_MAX, INT64_MAX}, "[]"),
            "input 'x': shape [9223372036854775807,9223372036854775807] is too large");
}

TEST(OipData, WrittenValuesAreReadBackBitForBit) {
  const auto survives = [](const Tensor& tensor) {
    const std::string json = written(tensor);
    const auto again = parse_data(tensor.dtype(), tensor.shape(), json);
    ASSERT_TRUE(again) << again.error().message;
    EXPECT_TRUE(std::ranges::equal(tensor.data(), again->data())) << json.substr(0, 100);
  };
  std::vector<uint16_t> halves;
  std::vector<uint16_t> wide;
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    const auto stored = static_cast<uint16_t>(bits);
    if (std::isfinite(half_to_float(stored))) halves.push_back(stored);
    if (std::isfinite(bfloat16_to_float(stored))) wide.push_back(stored);
  }
  survives(test::tensor_of(DType::kF16, {static_cast<int64_t>(halves.size())}, halves));
  survives(test::tensor_of(DType::kBF16, {static_cast<int64_t>(wide.size())}, wide));
  survives(test::tensor_of<float>(
      DType::kF32, {2, 3},
      {-0.0F, 1e-45F, 3.4028235e38F, 1e20F, std::bit_cast<float>(0x15ae43fd), 0.1F}));
  survives(test::tensor_of<double>(
      DType::kF64, {6},
      {-0.0, 5e-324, 1.7976931348623157e308, 123456789012345683968.0, 1e15, 0.1}));
  survives(test::tensor_of<int64_t>(DType::kI64, {2}, {INT64_MIN, INT64_MAX}));
  survives(test::tensor_of<uint64_t>(DType::kU64, {1}, {UINT64_MAX}));
  survives(test::tensor_of<uint8_t>(DType::kBool, {1, 3}, {0, 1, 1}));
}

TEST(OipData, Texts) {
  EXPECT_EQ(written(test::tensor_of<float>(DType::kF32, {2, 1}, {0.5F, -3})), "[0.5,-3]");
  EXPECT_EQ(written(test::tensor_of<uint8_t>(DType::kBool, {2}, {0, 1})), "[false,true]");
  EXPECT_EQ(written(test::tensor_of<int8_t>(DType::kI8, {2}, {-128, 7})), "[-128,7]");
  EXPECT_EQ(written(test::tensor_of<float>(DType::kF32, {2}, {0, INFINITY})),
            "output 'y': element 1 is not finite, which JSON can't represent: request binary data");
  EXPECT_EQ(written(test::tensor_of<uint16_t>(DType::kF16, {1}, {0x7e00})),
            "output 'y': element 0 is not finite, which JSON can't represent: request binary data");
}

}  // namespace
}  // namespace cloister::oip
