// Results as tests expect them.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>

#include "base/error.h"

namespace cloister::test {

// The value of a result that has to be one.
template <typename T>
T value_of(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().message);
  return std::move(*result);
}

// Refused with this kind, in one line that says `part`.
template <typename T>
void expect_error(const Result<T>& result, Kind kind, const std::string& part) {
  ASSERT_FALSE(result) << "accepted, want an error with: " << part;
  EXPECT_EQ(static_cast<int>(result.error().kind), static_cast<int>(kind))
      << result.error().message;
  EXPECT_THAT(result.error().message, testing::HasSubstr(part));
  EXPECT_THAT(result.error().message, testing::Not(testing::HasSubstr("\n")));
  EXPECT_LT(result.error().message.size(), 700U);
}

}  // namespace cloister::test
