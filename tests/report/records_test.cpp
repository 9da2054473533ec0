// Records that don't belong on one page.
#include "report/records.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/sample_audit.h"
#include "tests/support/sample_plan.h"

namespace cloister::report {
namespace {

using testing::HasSubstr;

class CheckRecords : public testing::Test {
 protected:
  Records records() const { return {.audit = &audit_, .profile = &profile_, .plan = &plan_}; }
  void refused(const Records& records, const std::string& part) {
    const auto checked = check_records(records);
    ASSERT_FALSE(checked);
    EXPECT_EQ(checked.error().kind, Kind::kInvalid);
    EXPECT_THAT(checked.error().message, HasSubstr(part));
  }

  audit::AuditRecord audit_ = test::sample_pictures();
  profile::ProfileRecord profile_ = test::sample_profile(audit_);
  plan::Plan plan_ = test::sample_plan(profile_, &audit_);
};

TEST_F(CheckRecords, AcceptsThoseOfOneModel) {
  EXPECT_TRUE(check_records(records()));
  EXPECT_TRUE(check_records({.audit = &audit_}));
  EXPECT_TRUE(check_records({.plan = &plan_}));
  refused({}, "needs an audit or a plan");
  refused({.profile = &profile_}, "needs an audit or a plan");
}

TEST_F(CheckRecords, NamesBothModels) {
  profile_.model_file = "other.onnx";
  profile_.model_sha256 = std::string(64, 'c');
  refused(records(), "the audit is of model 'resnet50.onnx' (SHA-256 " + audit_.model.sha256 +
                         "), the profile of 'other.onnx' (" + profile_.model_sha256 + ")");
  plan_.model_sha256 = std::string(64, 'd');
  refused({.profile = &profile_, .plan = &plan_}, "the plan is of model 'resnet50.onnx'");
}

TEST_F(CheckRecords, WantsPositionsThatAreThere) {
  plan_.changes = {{plan::Refusal::kExposed, "", plan_.candidates.size()}};
  refused(records(), "a change is of candidate");
  plan_.chosen = plan_.candidates.size();
  refused(records(), "is chosen, of");
}

TEST_F(CheckRecords, WantsThePlansCutInTheProfile) {
  profile_.cuts.pop_back();
  EXPECT_TRUE(check_records(records()));
  std::erase_if(profile_.cuts,
                [&](const auto& cut) { return cut.id == first_cut(plan_.choice()); });
  refused(records(), "which the profile has not");
  profile_.cuts[0].bodies.clear();
  refused(records(), "has 0 bodies, want one for each of 1 devices");
}

}  // namespace
}  // namespace cloister::report
