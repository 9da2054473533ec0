#include "base/time.h"

#include <gmock/gmock.h>

namespace cloister {
namespace {

TEST(Time, IsReadAndWritten) {
  for (const char* text : {"1970-01-01T00:00:00Z", "2026-03-20T10:58:51Z", "2024-02-29T23:59:59Z",
                           "9999-12-31T23:59:59Z"}) {
    const auto time = parse_time(text);
    ASSERT_TRUE(time) << text;
    EXPECT_EQ(time_text(*time), text);
  }
  EXPECT_EQ(parse_time("2026-03-20T10:58:51Z")->time_since_epoch().count(), 1774004331);
}

TEST(Time, RefusesOtherForms) {
  for (const char* text : {"", "2026-03-20", "2026-03-20T10:58:51", "2026-03-20 10:58:51Z",
                           "2026-03-20T10:58:51+00:00", "2026-02-30T00:00:00Z",
                           "2025-02-29T00:00:00Z", "2026-13-01T00:00:00Z", "2026-01-01T24:00:00Z",
                           "2026-01-01T00:60:00Z", "2026-01-01T00:00:60Z", "1969-12-31T23:59:59Z",
                           "2026-03-20T10:58:51Zx", "-026-03-20T10:58:51Z"}) {
    EXPECT_FALSE(parse_time(text)) << text;
  }
}

}  // namespace
}  // namespace cloister
