// `cloister report`.
#include "base/sha256.h"
#include "tests/support/cloister.h"
#include "tests/support/sample_audit.h"
#include "tests/support/sample_plan.h"

namespace cloister {
namespace {

using testing::HasSubstr;

class Report : public test::CloisterTest {
 protected:
  void SetUp() override {
    fs::create_directories(dir_ / "a");
    audit_ = test::sample_pictures(dir_ / "a");
    ASSERT_TRUE(write_file(dir_ / "a/audit.json", audit::record_json(audit_)));
  }

  // A profile, and the plan made of it and the audit.
  void save_plan(const plan::PlanPolicy& policy = {}) {
    const auto digest = [](const std::string& text) {
      return to_hex(sha256(as_bytes(std::string_view(text))));
    };
    profile_ = test::sample_profile(audit_);
    plan_ = test::sample_plan(profile_, &audit_, policy);
    plan_.profile_sha256 = digest(profile::profile_json(profile_));
    plan_.audit_sha256 = digest(audit::record_json(audit_));
    save_records();
  }
  void save_records() {
    ASSERT_TRUE(write_file(dir_ / "profile.json", profile::profile_json(profile_)));
    ASSERT_TRUE(write_file(dir_ / "plan.json", plan::plan_json(plan_)));
  }

  audit::AuditRecord audit_;
  profile::ProfileRecord profile_;
  plan::Plan plan_;
};

TEST_F(Report, ShowsARecordAsItIs) {
  EXPECT_THAT(done({"report", "a/audit.json", "-o", "r.html"}),
              testing::MatchesRegex("r.html  [0-9.]+ MiB\n"));
  const std::string html = *read_file(dir_ / "r.html");
  EXPECT_THAT(html, HasSubstr("1 of 5 cuts resisted at SSIM 0.30"));
  EXPECT_THAT(html, HasSubstr("data:image/png;base64,"));
}

TEST_F(Report, JudgesAgain) {
  const auto headline = [&](test::Arguments more) {
    test::Arguments arguments = {"report", "a/audit.json", "-o", "r.html"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    done(arguments);
    const std::string html = *read_file(dir_ / "r.html");
    const size_t start = html.find("<h1>") + 4;
    return html.substr(start, html.find("</h1>") - start);
  };
  EXPECT_EQ(headline({"--threshold", "ssim=0.5"}), "2 of 5 cuts resisted at SSIM 0.50");
  EXPECT_EQ(headline({"--threshold", "ssim=0.19"}), "No cut resisted at SSIM 0.19");
  EXPECT_EQ(headline({"--statistic", "worst", "--threshold", "ssim=0.45"}),
            "2 of 5 cuts resisted at SSIM 0.45");
  EXPECT_EQ(headline({"--n-min", "1000"}), "No cut was shown to resist at SSIM 0.30");
  EXPECT_EQ(headline({"--threshold", "ssim_advantage=0.1"}),
            "1 of 5 cuts resisted at SSIM advantage 0.10");
}

TEST_F(Report, ShowsAPlan) {
  plan::PlanPolicy policy;
  policy.leakage = audit_.policy;
  policy.leakage->threshold = 0.5;
  save_plan(policy);
  done({"report", "a/audit.json", "--plan", "plan.json", "--profile", "profile.json", "-o",
        "r.html"});
  const std::string html = *read_file(dir_ / "r.html");
  EXPECT_THAT(html, HasSubstr("<h1>A cut that resisted was found: "));
  EXPECT_THAT(html, HasSubstr("The plan cuts the network at"));
  EXPECT_THAT(html, HasSubstr("<section id=\"network\""));
  // The audit is judged by the plan's policy.
  EXPECT_THAT(html, HasSubstr("<li><b>2</b> <span class=\"badge resisted\">"));
  done({"report", "a/audit.json", "--plan", "plan.json", "-o", "r.html"});
  EXPECT_THAT(*read_file(dir_ / "r.html"), testing::Not(HasSubstr("<section id=\"network\"")));
}

TEST_F(Report, TakesRecordsThatBelongTogether) {
  save_plan();
  const auto wrong = [&](int code, const std::string& part, const test::Arguments& more = {}) {
    test::Arguments arguments = {"report",    "a/audit.json", "--plan", "plan.json",
                                 "--profile", "profile.json", "-o",     "r.html"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    fails(arguments, code, part);
  };
  wrong(2, "the plan has its own policy", {"--threshold", "ssim=0.5"});
  profile_.settings.seed = 2;
  save_records();
  wrong(1, "'plan.json' was not made from 'profile.json': SHA-256 ");
  plan_.audit_sha256 = std::string(64, 'a');
  save_records();
  wrong(1, "'plan.json' was not made from 'a/audit.json': SHA-256 ");
  profile_.model_sha256 = std::string(64, 'c');
  save_records();
  wrong(1, "the audit is of model 'resnet50.onnx' (SHA-256 " + audit_.model.sha256);
  EXPECT_FALSE(fs::exists(dir_ / "r.html"));
}

TEST_F(Report, Errors) {
  const auto wrong = [&](const test::Arguments& more, int code, const std::string& part) {
    test::Arguments arguments = {"report", "a/audit.json", "-o", "r.html"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    fails(arguments, code, part);
  };
  wrong({"--threshold", "0.3"}, 2, "--threshold '0.3', want METRIC=NUMBER");
  wrong({"--threshold", "ssim=x"}, 2, "want METRIC=NUMBER");
  wrong({"--threshold", "ssim="}, 2, "want METRIC=NUMBER");
  wrong({"--threshold", "lpips=1"}, 2, "metric 'lpips', want ssim");
  wrong({"--threshold", "ssim=nan"}, 2, "policy: threshold is nan");
  wrong({"--threshold", "psnr_db=14"}, 1, "can't be judged by psnr_db");
  wrong({"--statistic", "max"}, 2, "statistic 'max', want mean");
  fails({"report", "none.json", "-o", "r.html"}, 1, "none.json");
  fails({"report", "a/audit.json"}, 2, "--output is required");
  ASSERT_TRUE(write_file(dir_ / "bad.json", "{}"));
  fails({"report", "bad.json", "-o", "r.html"}, 1, "audit record: no key 'schema'");
  EXPECT_FALSE(fs::exists(dir_ / "r.html"));
}

}  // namespace
}  // namespace cloister
