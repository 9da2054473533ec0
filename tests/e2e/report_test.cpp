// `cloister report`.
#include "tests/support/cloister.h"
#include "tests/support/sample_audit.h"

namespace cloister {
namespace {

using testing::HasSubstr;

class Report : public test::CloisterTest {
 protected:
  void SetUp() override {
    fs::create_directories(dir_ / "a");
    const std::string text = audit::record_json(test::sample_pictures(dir_ / "a"));
    ASSERT_TRUE(write_file(dir_ / "a/audit.json", text));
  }
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
  EXPECT_EQ(headline({"--threshold", "ssim=0.19"}), "No cut is safe at SSIM 0.19");
  EXPECT_EQ(headline({"--statistic", "worst", "--threshold", "ssim=0.45"}),
            "2 of 5 cuts resisted at SSIM 0.45");
  EXPECT_EQ(headline({"--n-min", "1000"}), "No cut was shown to resist at SSIM 0.30");
  EXPECT_EQ(headline({"--threshold", "ssim_advantage=0.1"}),
            "1 of 5 cuts resisted at SSIM advantage 0.10");
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
