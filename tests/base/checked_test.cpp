#include "base/checked.h"

#include <gtest/gtest.h>

namespace cloister {
namespace {

TEST(Checked, OverflowIsAnError) {
  EXPECT_EQ(checked_mul(1ULL << 31, 2), 1ULL << 32);
  EXPECT_FALSE(checked_mul(1ULL << 33, 1ULL << 31));
  EXPECT_FALSE(checked_add(UINT64_MAX, 1));
  EXPECT_EQ(saturating_mul(UINT64_MAX, 2), UINT64_MAX);
  EXPECT_EQ(saturating_add(UINT64_MAX, 2), UINT64_MAX);
}

TEST(Checked, ErrorsNameBothNumbers) {
  EXPECT_EQ(checked_mul(UINT64_MAX, 2).error().message, "size overflows: 18446744073709551615 x 2");
  EXPECT_EQ(checked_add(1, UINT64_MAX).error().message, "size overflows: 1 + 18446744073709551615");
  EXPECT_EQ(checked_mul(0, UINT64_MAX), 0U);
  EXPECT_EQ(checked_mul(UINT64_MAX, 1), UINT64_MAX);
  EXPECT_EQ(saturating_mul(0, UINT64_MAX), 0U);
}

}  // namespace
}  // namespace cloister
