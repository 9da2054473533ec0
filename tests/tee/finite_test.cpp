#include "tee/finite.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/support/fake_program.h"

namespace cloister::serving {
namespace {

bool finite(DType dtype, uint64_t bits, size_t bytes) {
  const Bytes data(reinterpret_cast<const std::byte*>(&bits), bytes);
  return all_finite(Tensor::copy_of(dtype, {1}, data)->view());
}

TEST(Finite, FindsInfinitiesAndNan) {
  EXPECT_TRUE(all_finite(test::floats({3}, {0, -1e38F, 1e-45F}).view()));
  EXPECT_FALSE(all_finite(test::floats({2}, {0, INFINITY}).view()));
  EXPECT_FALSE(all_finite(test::floats({2}, {-INFINITY, 0}).view()));
  EXPECT_FALSE(all_finite(test::floats({2}, {NAN, 0}).view()));
  EXPECT_TRUE(all_finite(test::floats({0}, {}).view()));
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
}  // namespace cloister::serving
