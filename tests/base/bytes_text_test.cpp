#include "base/bytes_text.h"

#include <gtest/gtest.h>

#include <limits>

namespace cloister {
namespace {

TEST(BytesText, InTheLargestUnitThatFits) {
  EXPECT_EQ(bytes_text(0), "0 B");
  EXPECT_EQ(bytes_text(1023), "1023 B");
  EXPECT_EQ(bytes_text(1024), "1.0 KiB");
  EXPECT_EQ(bytes_text(802'816), "784.0 KiB");
  EXPECT_EQ(bytes_text(3ULL << 30), "3.0 GiB");
  EXPECT_EQ(bytes_text(std::numeric_limits<uint64_t>::max()), "16777216.0 TiB");
}

}  // namespace
}  // namespace cloister
