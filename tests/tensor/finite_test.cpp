#include "tensor/finite.h"

#include <gtest/gtest.h>

#include <cmath>

namespace cloister {
namespace {

bool finite(DType dtype, uint64_t bits, size_t bytes) {
  const Bytes data(reinterpret_cast<const std::byte*>(&bits), bytes);
  return all_finite(Tensor::copy_of(dtype, {1}, data)->view());
}

bool floats_finite(const std::vector<float>& values) {
  return all_finite(
      {DType::kF32, {static_cast<int64_t>(values.size())}, std::as_bytes(std::span(values))});
}

TEST(Finite, FindsInfinitiesAndNan) {
  EXPECT_TRUE(floats_finite({0, -1e38F, 1e-45F}));
  EXPECT_FALSE(floats_finite({0, INFINITY}));
  EXPECT_FALSE(floats_finite({-INFINITY, 0}));
  EXPECT_FALSE(floats_finite({NAN, 0}));
  EXPECT_TRUE(floats_finite({}));
}

TEST(Finite, KnowsEveryFloatingType) {
  EXPECT_TRUE(finite(DType::kF16, 0x7bff, 2));
  EXPECT_FALSE(finite(DType::kF16, 0xfc00, 2));
  EXPECT_TRUE(finite(DType::kBF16, 0x7f7f, 2));
  EXPECT_FALSE(finite(DType::kBF16, 0x7fc0, 2));
  EXPECT_TRUE(finite(DType::kF64, 0x7fefffffffffffff, 8));
  EXPECT_FALSE(finite(DType::kF64, 0x7ff0000000000000, 8));
  EXPECT_TRUE(finite(DType::kI32, 0x7f800000, 4));
}

}  // namespace
}  // namespace cloister
