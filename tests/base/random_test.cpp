#include "base/random.h"

#include <gtest/gtest.h>

#include <set>

namespace cloister {
namespace {

TEST(Random, NumbersDiffer) {
  std::set<uint64_t> seen;
  for (int i = 0; i < 100; ++i) seen.insert(random_number().value());
  EXPECT_EQ(seen.size(), 100);
}

TEST(Random, FillsAllOfIt) {
  std::array<std::byte, 64> bytes{};
  ASSERT_TRUE(random_bytes(bytes));
  EXPECT_NE(std::set(bytes.begin(), bytes.end()).size(), 1);
  EXPECT_TRUE(random_bytes({}));
}

}  // namespace
}  // namespace cloister
