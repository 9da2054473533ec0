#include "tensor/compare.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace cloister {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

template <typename T>
TensorView view(DType dtype, const std::vector<T>& values) {
  return {dtype, {static_cast<int64_t>(values.size())}, std::as_bytes(std::span(values))};
}

template <typename T>
Difference difference(DType dtype, const std::vector<T>& a, const std::vector<T>& b) {
  const auto result = compare(view(dtype, a), view(dtype, b));
  EXPECT_TRUE(result);
  return result.value_or(Difference{});
}

Difference floats(const std::vector<float>& a, const std::vector<float>& b) {
  return difference(DType::kF32, a, b);
}

TEST(Compare, Distances) {
  const Difference same = floats({1, -2, 3}, {1, -2, 3});
  EXPECT_TRUE(same.identical);
  EXPECT_EQ(same.max_abs, 0);
  EXPECT_EQ(same.max_magnitude, 3);
  EXPECT_EQ(same.relative(), 0);
  const Difference apart = floats({1, 2, 3}, {1.5, 2, -4});
  EXPECT_FALSE(apart.identical);
  EXPECT_EQ(apart.max_abs, 7);
  EXPECT_EQ(apart.max_magnitude, 4);  // of the reference
  EXPECT_EQ(apart.relative(), 1.75);
}

TEST(Compare, ZerosNansAndInfinities) {
  EXPECT_FALSE(floats({0.0F}, {-0.0F}).identical);
  EXPECT_EQ(floats({0.0F}, {-0.0F}).max_abs, 0);
  EXPECT_EQ(floats({kNan}, {kNan}).max_abs, 0);
  EXPECT_TRUE(floats({kNan}, {kNan}).identical);
  EXPECT_EQ(floats({kNan, 5}, {1, 5}).max_abs, kInfinity);
  EXPECT_EQ(floats({1, 5}, {kNan, 5}).max_abs, kInfinity);
  EXPECT_EQ(floats({kInf}, {kInf}).max_abs, 0);
  EXPECT_EQ(floats({kInf}, {-kInf}).max_abs, kInfinity);
  EXPECT_EQ(floats({kInf}, {kNan}).max_abs, kInfinity);
  const Difference one_infinite = floats({2, kInf}, {2, 8});
  EXPECT_EQ(one_infinite.max_abs, kInfinity);
  EXPECT_EQ(one_infinite.max_magnitude, 8);
  EXPECT_EQ(one_infinite.relative(), kInfinity);
  EXPECT_EQ(floats({1}, {0}).relative(), kInfinity);
  EXPECT_EQ(floats({}, {}).relative(), 0);
  EXPECT_TRUE(floats({}, {}).identical);
}

TEST(Compare, EveryPortableType) {
  EXPECT_EQ(difference<double>(DType::kF64, {1e300}, {-1e300}).max_abs, 2e300);
  EXPECT_EQ(difference<uint16_t>(DType::kF16, {0x3c00}, {0xc000}).max_abs, 3);
  EXPECT_EQ(difference<uint16_t>(DType::kBF16, {0x3f80}, {0xc000}).max_abs, 3);
  EXPECT_EQ(difference<int8_t>(DType::kI8, {-128}, {127}).max_abs, 255);
  EXPECT_EQ(difference<uint8_t>(DType::kU8, {0}, {255}).max_abs, 255);
  EXPECT_EQ(difference<uint8_t>(DType::kBool, {0}, {1}).max_abs, 1);
  EXPECT_EQ(difference<int16_t>(DType::kI16, {-32768}, {32767}).max_abs, 65535);
  EXPECT_EQ(difference<uint16_t>(DType::kU16, {0}, {65535}).max_abs, 65535);
  EXPECT_EQ(difference<int32_t>(DType::kI32, {INT32_MIN}, {INT32_MAX}).max_abs, 4294967295.0);
  EXPECT_EQ(difference<uint32_t>(DType::kU32, {0}, {UINT32_MAX}).max_abs, 4294967295.0);
}

TEST(Compare, LargeIntegersAreNotRounded) {
  const int64_t large = (int64_t{1} << 60) + 1;
  EXPECT_EQ(difference<int64_t>(DType::kI64, {large, 0}, {large - 1, 0}).max_abs, 1);
  EXPECT_EQ(difference<int64_t>(DType::kI64, {INT64_MIN}, {INT64_MAX}).max_abs, 0x1p64);
  EXPECT_EQ(difference<uint64_t>(DType::kU64, {UINT64_MAX}, {UINT64_MAX - 3}).max_abs, 3);
  EXPECT_EQ(difference<int64_t>(DType::kI64, {-5}, {5}).max_abs, 10);
  EXPECT_EQ(difference<int64_t>(DType::kI64, {-5}, {5}).max_magnitude, 5);
}

TEST(Compare, WhatDoesNotFit) {
  const std::vector<float> values = {1, 2, 3, 4};
  TensorView a = view(DType::kF32, values);
  TensorView b = a;
  b.shape = {2, 2};
  EXPECT_EQ(compare(a, b).error().message, "got f32[4], want f32[2,2]");
  b = a;
  b.dtype = DType::kI32;
  EXPECT_EQ(compare(a, b).error().message, "got f32[4], want i32[4]");
  b = a;
  b.data = b.data.first(8);
  EXPECT_FALSE(compare(a, b));
  a.dtype = DType::kC64;
  const auto complex = compare(a, a);
  ASSERT_FALSE(complex);
  EXPECT_EQ(static_cast<int>(complex.error().kind), static_cast<int>(Kind::kUnsupported));
}

}  // namespace
}  // namespace cloister
