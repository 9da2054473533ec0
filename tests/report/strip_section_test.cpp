// The network as a strip.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <regex>

#include "report/plan_view.h"
#include "tests/support/sample_audit.h"
#include "tests/support/sample_plan.h"

namespace cloister::report {
namespace {

using testing::HasSubstr;
using testing::Not;

size_t count(const std::string& text, const std::string& part) {
  size_t n = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++n;
  return n;
}

class Strip : public testing::Test {
 protected:
  std::string html(const Records& records) {
    Page page("", "");
    return strip_section(records, page).html;
  }
  Records records() const { return {.audit = &audit_, .profile = &profile_, .plan = &plan_}; }
  static std::vector<double> widths(const std::string& html) {
    std::vector<double> out;
    const std::regex width("<rect[^>]* width=\"([0-9.]+)%\"");
    for (std::sregex_iterator i(html.begin(), html.end(), width), end; i != end; ++i) {
      out.push_back(std::stod((*i)[1]));
    }
    return out;
  }

  audit::AuditRecord audit_ = test::sample_pictures();
  profile::ProfileRecord profile_ = test::sample_profile(audit_, {.between = 1, .described = true});
  plan::Plan plan_ = test::sample_plan(profile_, &audit_);
};

TEST_F(Strip, HasABlockBetweenCutsAndAPanelForEach) {
  const std::string text = html(records());
  EXPECT_EQ(count(text, "<rect class=\"layer\""), 9U);
  EXPECT_EQ(count(text, "<rect class=\"layer untrusted\""), 2U);
  EXPECT_EQ(count(text, "class=\"pick\""), 11U);
  EXPECT_EQ(count(text, "class=\"pick\" id=\"pick-8\">"), 1U);
  EXPECT_EQ(count(text, " hidden>\n<header>"), 10U);
  // As many as were audited, in their order.
  EXPECT_EQ(count(text, "<g class=\"verdict "), 5U);
  EXPECT_EQ(count(text, "<g class=\"verdict resisted\""), 1U);
  EXPECT_THAT(text, HasSubstr("modelled"));
  EXPECT_THAT(text, HasSubstr("Not audited: what an attacker can rebuild here is not known."));
  // Pictures stay where they are.
  EXPECT_THAT(text, Not(HasSubstr("<img")));
  EXPECT_THAT(text, HasSubstr("data-from=\"cut-c7654ff\""));
}

TEST_F(Strip, IsAsWideAsTheTimeTaken) {
  const std::vector<double> measured = widths(html(records()));
  double sum = 0;
  for (const double width : measured) {
    EXPECT_GE(width, 0.79);
    sum += width;
  }
  EXPECT_NEAR(sum, 100, 0.01);
  // Times that are no times still make a strip.
  for (profile::CutCost& cut : profile_.cuts) cut.head.ms = NAN;
  profile_.trusted.whole.ms = 0;
  const std::vector<double> none = widths(html(records()));
  EXPECT_NEAR(none[0], 100.0 / 11, 0.01);
  EXPECT_NEAR(none[5], 100.0 / 11, 0.01);
  EXPECT_THAT(html(records()), Not(HasSubstr("nan")));
}

TEST_F(Strip, IsAllTrustedWithoutASafeCut) {
  plan_ = test::sample_plan(profile_, nullptr);
  const std::string text = html({.profile = &profile_, .plan = &plan_});
  EXPECT_EQ(count(text, "layer untrusted"), 0U);
  EXPECT_THAT(text, HasSubstr("class=\"pick\" id=\"pick-10\">\n<header><h3>No cut: all trusted"));
}

TEST_F(Strip, EndsAtATrustedTail) {
  plan::PlanPolicy policy;
  policy.result_may_be_seen = false;
  policy.leakage = audit_.policy;
  policy.leakage->threshold = 0.5;
  plan_ = test::sample_plan(profile_, &audit_, policy);
  ASSERT_EQ(plan_.choice().segments.size(), 3U);
  const std::string text = html(records());
  // Trusted, untrusted, trusted.
  const size_t begin = text.find("layer untrusted");
  ASSERT_NE(begin, std::string::npos);
  EXPECT_THAT(text.substr(text.rfind("layer untrusted")), HasSubstr("<rect class=\"layer\""));
  EXPECT_THAT(text, HasSubstr("handle second\""));
}

TEST_F(Strip, NeedsNoPlan) {
  const std::string text = html({.audit = &audit_, .profile = &profile_});
  EXPECT_EQ(count(text, "class=\"pick\""), 11U);
  EXPECT_THAT(text, HasSubstr("not planned"));
  EXPECT_THAT(text, Not(HasSubstr("★")));
}

}  // namespace
}  // namespace cloister::report
