#include "attest/checks.h"

#include <gmock/gmock.h>

namespace cloister::attest {
namespace {

constexpr std::string_view kIds[] = {"a", "b", "c"};

Checks three() {
  Checks checks;
  checks.add(kIds);
  return checks;
}

TEST(Checks, ThatAreNeverJudgedFail) {
  Checks checks = three();
  checks.judge("a", true, "", "");
  checks.judge("b", true, "", "");
  EXPECT_FALSE(checks.all_passed());
  const auto list = checks.take();
  ASSERT_EQ(list.size(), 3u);
  EXPECT_EQ(list[2].outcome, Outcome::kFail);
  EXPECT_EQ(list[2].why, "never judged: a bug");
}

TEST(Checks, FailuresStay) {
  Checks checks = three();
  EXPECT_FALSE(checks.judge("a", false, "x", "y", "z"));
  EXPECT_FALSE(checks.judge("a", true, "", ""));
  checks.not_applicable("a", "");
  EXPECT_EQ(checks.take()[0].field, "z");
}

TEST(Checks, BuildOnOthers) {
  Checks checks = three();
  checks.judge("a", false, "", "");
  EXPECT_FALSE(checks.needs("b", {"a"}));
  EXPECT_FALSE(checks.needs("c", {"b"}));
  EXPECT_FALSE(checks.all_passed());
  const auto list = checks.take();
  EXPECT_EQ(list[2].outcome, Outcome::kNotApplicable);
  EXPECT_EQ(list[2].why, "not judged: it needs b");
}

TEST(Checks, WhatIsNotNeededIsGoodEnough) {
  Checks checks = three();
  checks.not_applicable("a", "none of those here");
  EXPECT_TRUE(checks.needs("b", {"a"}));
  checks.judge("b", true, "", "");
  checks.judge("c", Result<>{}, "found", "");
  EXPECT_TRUE(checks.all_passed());
}

TEST(Checks, NothingJudgedIsNothingPassed) {
  Checks checks;
  EXPECT_FALSE(checks.all_passed());
  checks = three();
  for (const std::string_view id : kIds) checks.not_applicable(id, "");
  EXPECT_FALSE(checks.all_passed());
  checks = three();
  checks.block_rest("a");
  EXPECT_FALSE(checks.all_passed());
}

}  // namespace
}  // namespace cloister::attest
