#include "net/status.h"

#include <gtest/gtest.h>

namespace cloister::net {
namespace {

// What a server says must mean the same to its client.
TEST(Status, GoesThereAndBack) {
  for (const Kind kind : {Kind::kInvalid, Kind::kRefused, Kind::kNotFound, Kind::kUnavailable,
                          Kind::kDeadline, Kind::kInternal}) {
    EXPECT_EQ(kind_of(status_of(kind)), kind) << status_of(kind);
  }
}

TEST(Status, KindsWithoutAStatusOfTheirOwn) {
  EXPECT_EQ(status_of(Kind::kUsage), 400U);
  EXPECT_EQ(status_of(Kind::kUnsupported), 400U);
  EXPECT_EQ(status_of(Kind::kIo), 500U);
}

TEST(Status, StatusesOfOtherServers) {
  EXPECT_EQ(kind_of(401), Kind::kRefused);
  EXPECT_EQ(kind_of(413), Kind::kInvalid);
  EXPECT_EQ(kind_of(429), Kind::kUnavailable);
  EXPECT_EQ(kind_of(502), Kind::kInternal);
}

}  // namespace
}  // namespace cloister::net
