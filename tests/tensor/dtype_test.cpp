#include "tensor/dtype.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace cloister {
namespace {

constexpr int32_t kLast = static_cast<int32_t>(DType::kI2);

TEST(DType, OnnxNumbersAreOurs) {
  for (int32_t value = 1; value <= kLast; ++value) {
    const auto dtype = dtype_from_onnx(value);
    ASSERT_TRUE(dtype) << value;
    EXPECT_EQ(static_cast<int32_t>(*dtype), value);
  }
  for (const int32_t value : {-1, 0, kLast + 1, INT32_MAX, INT32_MIN}) {
    EXPECT_FALSE(dtype_from_onnx(value)) << value;
  }
}

TEST(DType, NamesAreDistinct) {
  std::set<std::string_view> names;
  for (int32_t value = 1; value <= kLast; ++value) names.insert(dtype_name(DType{value}));
  EXPECT_EQ(names.size(), kLast);
  EXPECT_EQ(dtype_name(DType::kF32), "f32");
  EXPECT_EQ(dtype_name(DType::kI2), "i2");
}

// The digits of a name say its size, but for bool and string.
TEST(DType, BitsMatchNames) {
  for (int32_t value = 1; value <= kLast; ++value) {
    const std::string name(dtype_name(DType{value}));
    const size_t digit = name.find_first_of("0123456789");
    if (digit == std::string::npos) continue;
    EXPECT_EQ(dtype_bits(DType{value}), std::stoul(name.substr(digit))) << name;
  }
  EXPECT_EQ(dtype_bits(DType::kBool), 8);
  EXPECT_EQ(dtype_bits(DType::kString), 0);
}

TEST(DType, PortableTypesAreWholeBytesAndReal) {
  for (int32_t value = 1; value <= kLast; ++value) {
    const DType dtype{value};
    if (is_portable(dtype)) {
      EXPECT_GE(dtype_bits(dtype), 8U) << dtype_name(dtype);
    }
  }
  EXPECT_TRUE(is_portable(DType::kBF16));
  EXPECT_TRUE(is_portable(DType::kBool));
  EXPECT_FALSE(is_portable(DType::kC64));
  EXPECT_FALSE(is_portable(DType::kString));
  EXPECT_FALSE(is_portable(DType::kI4));
}

TEST(DType, Floating) {
  EXPECT_TRUE(is_floating(DType::kF16));
  EXPECT_TRUE(is_floating(DType::kF8E5M2FNUZ));
  EXPECT_FALSE(is_floating(DType::kBool));
  EXPECT_FALSE(is_floating(DType::kC64));
  EXPECT_FALSE(is_floating(DType::kU4));
}

}  // namespace
}  // namespace cloister
