// How a profile was measured, as the page tells it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "report/plan_view.h"
#include "tests/support/sample_audit.h"
#include "tests/support/sample_plan.h"

namespace cloister::report {
namespace {

using testing::HasSubstr;
using testing::Not;

class CostSection : public testing::Test {
 protected:
  profile::ProfileRecord profile_ =
      test::sample_profile(test::sample_pictures(), {.described = true});
};

TEST_F(CostSection, SaysHowItWasMeasured) {
  profile_.settings.cores = {2, 3};
  profile_.settings.trusted_limit_bytes = 93 << 20;
  const std::string text = cost_section(profile_).html;
  for (const std::string part :
       {"x86_64, 2 cores", "ONNX Runtime 1.30.0", "1, on cores 2, 3", "30 runs", "38.0 ms",
        "131.0 MiB at its peak", "93.0 MiB", "0.06 ms and 2.2 GiB a second", "13 more cuts",
        "Rest on <bdi>gpu</bdi> <span class=\"tag\">modelled</span>", "+4.8 %", "-10 %",
        "The clock was not fixed."}) {
    EXPECT_THAT(text, HasSubstr(part));
  }
}

TEST_F(CostSection, SaysNothingOfWhatIsNotFinite) {
  profile_.trusted.whole = {NAN, INFINITY, 0};
  profile_.devices[0].link.bytes_per_second = NAN;
  profile_.checks = {{"x", 1, 0, 1, 0}};
  for (profile::CutCost& cut : profile_.cuts) cut.head = {NAN, NAN, NAN};
  const std::string text = cost_section(profile_).html;
  EXPECT_THAT(text, Not(HasSubstr("nan")));
  EXPECT_THAT(text, Not(HasSubstr("inf ")));
  profile_.cuts.clear();
  profile_.devices.clear();
  profile_.checks.clear();
  EXPECT_THAT(cost_section(profile_).html, Not(HasSubstr("<table")));
}

}  // namespace
}  // namespace cloister::report
