#include "tensor/convert.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace cloister {
namespace {

constexpr double kInfinite = std::numeric_limits<double>::infinity();

TEST(Convert, EveryFinite16BitNumberSurvives) {
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    const auto stored = static_cast<uint16_t>(bits);
    const float half = half_to_float(stored);
    ASSERT_EQ(to_half(half), std::isfinite(half) ? std::optional(stored) : std::nullopt) << bits;
    const float wide = bfloat16_to_float(stored);
    ASSERT_EQ(to_bfloat16(wide), std::isfinite(wide) ? std::optional(stored) : std::nullopt)
        << bits;
  }
}

TEST(Convert, WhatLiesHalfwayGoesToTheEvenNeighbour) {
  for (uint16_t bits = 0; bits < 0x7bff; ++bits) {
    const double middle = (double{half_to_float(bits)} + half_to_float(bits + 1)) / 2;
    const uint16_t even = bits % 2 == 0 ? bits : bits + 1;
    ASSERT_EQ(to_half(middle), even) << bits;
    ASSERT_EQ(to_half(std::nextafter(middle, kInfinite)), bits + 1) << bits;
    ASSERT_EQ(to_half(-std::nextafter(middle, 0)), bits | 0x8000) << bits;
  }
  for (uint16_t bits = 0; bits < 0x7f7f; ++bits) {
    const double middle = (double{bfloat16_to_float(bits)} + bfloat16_to_float(bits + 1)) / 2;
    const uint16_t even = bits % 2 == 0 ? bits : bits + 1;
    ASSERT_EQ(to_bfloat16(middle), even) << bits;
    ASSERT_EQ(to_bfloat16(std::nextafter(middle, kInfinite)), bits + 1) << bits;
    ASSERT_EQ(to_bfloat16(-std::nextafter(middle, 0)), bits | 0x8000) << bits;
  }
}

TEST(Convert, WhatIsTooLargeIsRefused) {
  EXPECT_EQ(to_half(65519.99), 0x7bff);
  EXPECT_EQ(to_half(65520), std::nullopt);
  EXPECT_EQ(to_half(-1e300), std::nullopt);
  EXPECT_EQ(to_bfloat16(3.39e38), 0x7f7f);
  EXPECT_EQ(to_bfloat16(3.4e38), std::nullopt);
  EXPECT_EQ(to_half(kInfinite), std::nullopt);
  EXPECT_EQ(to_bfloat16(std::nan("")), std::nullopt);
}

TEST(Convert, WhatIsTooSmallIsZero) {
  EXPECT_EQ(to_half(1e-300), 0);
  EXPECT_EQ(to_half(-5e-324), 0x8000);
  EXPECT_EQ(to_bfloat16(1e-60), 0);
}

}  // namespace
}  // namespace cloister
