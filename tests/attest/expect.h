// What tests expect of a verdict.
#pragma once

#include <gmock/gmock.h>

#include "tests/attest/case.h"

namespace cloister::attest::test {

inline void expect_trusted(const Case& c) {
  const Verdict verdict = c.verify();
  EXPECT_TRUE(verdict.trusted) << text_of(verdict);
}

// Just these checks fail ("id, id"); what the first of them found, and the policy's field that
// refused.
inline void expect_fails(const Case& c, const std::string& checks, const std::string& found = "",
                         const std::string& field = "") {
  const Verdict verdict = c.verify();
  EXPECT_FALSE(verdict.trusted);
  EXPECT_FALSE(VerifiedClaims::of(verdict));
  ASSERT_EQ(failed(verdict), checks) << text_of(verdict);
  const Check& first = find_check(verdict, checks.substr(0, checks.find(',')));
  EXPECT_THAT(first.found, testing::HasSubstr(found)) << text_of(verdict);
  if (!field.empty()) {
    EXPECT_EQ(first.field, field) << text_of(verdict);
  }
}

// The policy has nothing for the kind: whatever else is judged fails after that.
inline void expect_kind_refused(const Case& c, const std::string& found,
                                const std::string& field = "") {
  const Verdict verdict = c.verify();
  EXPECT_FALSE(verdict.trusted);
  ASSERT_TRUE(failed(verdict).starts_with("policy.kind")) << text_of(verdict);
  EXPECT_THAT(find_check(verdict, "policy.kind").found, testing::HasSubstr(found));
  if (!field.empty()) {
    EXPECT_EQ(find_check(verdict, "policy.kind").field, field);
  }
}

}  // namespace cloister::attest::test
