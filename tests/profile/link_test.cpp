#include "profile/link.h"

#include <gmock/gmock.h>

namespace cloister::profile {
namespace {

TEST(Link, FindsTheLineOfItsSamples) {
  Link link;
  for (const uint64_t bytes : {0, 4096, 65536, 1'000'000}) {
    const double ms = 0.02 + 1e3 * static_cast<double>(bytes) / 2e9;
    link.samples.push_back({bytes, {ms, ms, ms}});
  }
  fit_link(link);
  EXPECT_NEAR(link.latency_ms, 0.02, 1e-9);
  EXPECT_NEAR(link.bytes_per_second, 2e9, 1);
  EXPECT_NEAR(link.ms(2'000'000), 1.02, 1e-6);
}

TEST(Link, Measured) {
  for (const std::string_view name : link_names()) {
    SCOPED_TRACE(name);
    const auto link = measure_link(name, 4 << 20, 5);
    ASSERT_TRUE(link) << link.error().message;
    EXPECT_EQ(link->name, name);
    EXPECT_FALSE(link->modelled);
    EXPECT_EQ(link->samples.front().bytes, 0U);
    EXPECT_EQ(link->samples.back().bytes, 4U << 20);
    // Any machine moves 4 MiB in its memory at 100 MB/s to 1 TB/s.
    EXPECT_GT(link->ms(4 << 20), 0.004);
    EXPECT_LT(link->ms(4 << 20), 42);
    EXPECT_GT(link->ms(4 << 20), link->ms(0));
  }
}

TEST(Link, NoneOfThatName) {
  const auto link = measure_link("rdma", 1000, 5);
  ASSERT_FALSE(link);
  EXPECT_EQ(static_cast<int>(link.error().kind), static_cast<int>(Kind::kUsage));
  EXPECT_EQ(link.error().message, "no link 'rdma'; there are shm, tcp");
}

}  // namespace
}  // namespace cloister::profile
