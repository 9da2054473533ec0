// report.html as text: what it says, and that nothing from outside becomes markup.
#include "report/report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <regex>

#include "audit/attackers.h"
#include "base/sha256.h"
#include "report/html.h"
#include "tests/support/sample_audit.h"
#include "tests/support/sample_plan.h"
#include "tests/support/temp_dir.h"

namespace cloister::report {
namespace {

using audit::AuditRecord;
using testing::HasSubstr;
using testing::Not;

class Report : public testing::Test {
 protected:
  std::string rendered(const AuditRecord& record) { return rendered({.audit = &record}); }
  std::string rendered(const Records& records) {
    const auto html = render_report(records, folder_.path());
    EXPECT_TRUE(html) << html.error().message;
    return html.value_or("");
  }
  // Without scripts, styles and comments: what is markup and text.
  static std::string markup(const std::string& html) {
    std::string out = html.substr(0, html.find("<script"));
    const size_t style = out.find("<style>");
    return out.erase(style, out.find("</style>") - style);
  }

  // The data, three of Vega, the charts and the strip.
  static constexpr int kScripts = 6;
  static int scripts(const std::string& html) {
    const std::regex script("<script");
    return static_cast<int>(
        std::distance(std::sregex_iterator(html.begin(), html.end(), script), {}));
  }

  test::TempDir folder_;
};

TEST_F(Report, SaysWhatWasFound) {
  const AuditRecord record = test::sample_pictures(folder_.path());
  const std::string html = rendered(record);
  EXPECT_THAT(html, HasSubstr("<h1>1 of 5 cuts resisted at SSIM 0.30</h1>"));
  EXPECT_THAT(html, HasSubstr("<title>Leakage audit of resnet50.onnx</title>"));
  for (const audit::CutRecord& cut : record.cuts) {
    EXPECT_THAT(html, HasSubstr("id=\"cut-" + cut.id + "\""));
    // The verdict's own sentence, word by word.
    EXPECT_THAT(html, HasSubstr(escape(cut.verdict->sentence.substr(1), 4000)));
  }
  EXPECT_THAT(html, HasSubstr("the interval contains the threshold"));
  EXPECT_THAT(html, HasSubstr("signer's claim, not an attested computation"));
  EXPECT_THAT(html, HasSubstr(to_hex(sha256(as_bytes(audit::record_json(record))))));
  EXPECT_THAT(markup(html), Not(testing::ContainsRegex("[Pp]rivate")));
}

TEST_F(Report, SaysOfEveryAttackerWhatItDoes) {
  AuditRecord record = test::sample_pictures();
  audit::AttackerRecord attacker = record.cuts[0].attackers.at(0);
  for (const audit::AttackerInfo& info : audit::kAttackers) {
    attacker.name = info.name;
    record.cuts[0].attackers.push_back(attacker);
  }
  const std::string html = rendered(record);
  for (const std::string& name : audit::attacker_names()) {
    EXPECT_THAT(html, HasSubstr(fmt::format("<li><b><bdi>{}</bdi></b>: {}.</li>", name,
                                            audit::attacker_meaning(name))));
  }
}

TEST_F(Report, SaysThatNoCutIsSafe) {
  const std::string html = rendered(test::sample_table());
  EXPECT_THAT(html, HasSubstr("<h1>No cut resisted at row match 0.50</h1>"));
  EXPECT_THAT(html, HasSubstr("the input <bdi>features</bdi> itself crosses"));
  EXPECT_THAT(html, HasSubstr("<bdi>src_port</bdi>"));
  EXPECT_THAT(html, HasSubstr("Columns"));
}

TEST_F(Report, SaysWhatIsNotKnown) {
  AuditRecord record = test::sample_pictures();
  audit::Policy policy = record.policy;
  policy.threshold = 0.1;
  policy.metric = audit::Metric::kSsimAdvantage;
  policy.n_min = 1000;
  ASSERT_TRUE(audit::judge_record(record, policy));
  EXPECT_THAT(rendered(record), HasSubstr("No cut was shown to resist at SSIM advantage 0.10"));
  record.cuts[0].verdict.reset();
  EXPECT_THAT(rendered(record), HasSubstr("<h1>Not judged yet</h1>"));
  record.cuts.clear();
  record.baselines.clear();
  record.positive_controls.clear();
  record.negative_controls.clear();
  EXPECT_THAT(rendered(record), HasSubstr("No control was run"));
}

TEST_F(Report, HoldsItsPictures) {
  const std::string html = rendered(test::sample_pictures(folder_.path()));
  const std::string png = *read_file(folder_ / "gallery/217.png");
  EXPECT_THAT(html, HasSubstr("src=\"data:image/png;base64," + base64(as_bytes(png)) +
                              "\" width=\"64\" height=\"64\" alt=\"original of input 217\""));
  EXPECT_THAT(html, Not(HasSubstr("picture not available")));
  fs::remove(folder_ / "gallery/217.png");
  EXPECT_THAT(rendered(test::sample_pictures()), Not(HasSubstr("picture not available")));
}

TEST_F(Report, TakesNoOtherFilesForPictures) {
  const AuditRecord record = test::sample_pictures(folder_.path());
  const fs::path picture = folder_ / "gallery/217.png";
  fs::remove(picture);
  EXPECT_THAT(rendered(record), HasSubstr("picture not available"));
  const auto refused = [&](Kind kind, const std::string& part) {
    const auto html = render_report({.audit = &record}, folder_.path());
    ASSERT_FALSE(html);
    EXPECT_EQ(html.error().kind, kind);
    EXPECT_THAT(html.error().message, HasSubstr("picture 'gallery/217.png': "));
    EXPECT_THAT(html.error().message, HasSubstr(part));
  };
  ASSERT_TRUE(write_file(picture, "<svg onload=alert(1)>"));
  refused(Kind::kInvalid, "not a PNG file");
  std::string wide = test::png_bytes({1, 1, {0, 0, 0}});
  wide[18] = 0x10;
  ASSERT_TRUE(write_file(picture, wide));
  refused(Kind::kInvalid, "4097 x 1 pixels, want 1 to 2048");
  ASSERT_TRUE(write_file(picture, std::string((1 << 20) + 1, 'x')));
  refused(Kind::kInvalid, "1048577 bytes");
  fs::remove(picture);
  fs::create_symlink("/etc/hostname", picture);
  refused(Kind::kRefused, "");
}

// Each text of the record in turn is an attack.
TEST_F(Report, NothingFromOutsideBecomesMarkup) {
  const std::string attack =
      "</script><script>alert(1)</script>\"'><img src=x onerror=alert(1)>{{data}}\u2028";
  AuditRecord record = test::sample_pictures();
  record.tool = record.machine = record.model.file = record.model.input = attack;
  record.model.sha256 = attack;
  record.settings.budget = record.settings.device = record.settings.libtorch = attack;
  record.settings.numbers = {{attack, 1}};
  record.notes = {attack};
  record.policy.attackers = {attack};
  record.positive_control_cut = record.positive_controls[0].attacker = attack;
  record.baselines[0].name = attack;
  for (audit::CutRecord& cut : record.cuts) {
    cut.id += attack;
    cut.tensors[0].name = cut.exposed_by_construction = cut.data_gain_attacker = attack;
    cut.probe->what = attack;
    for (audit::AttackerRecord& attacker : cut.attackers) {
      attacker.name += attack;
      attacker.convergence = attack;
      attacker.certification.columns = {{attack, true}};
    }
    cut.verdict->sentence = attack;
    cut.verdict->failed = {{attack, attack}};
    cut.gallery = {{attack, 0, 0, "none.png", {{attack, 0, "none.png"}}}};
  }
  const std::string html = rendered(record);
  EXPECT_THAT(html, Not(HasSubstr("<img src=x")));
  EXPECT_THAT(html, Not(HasSubstr("alert(1)</script>")));
  EXPECT_EQ(scripts(html), kScripts);
}

// The same of a plan and a profile.
TEST_F(Report, NothingOfAPlanBecomesMarkup) {
  const std::string attack =
      "</script><script>alert(1)</script>\"'><img src=x onerror=alert(1)>{{data}}\u2028";
  AuditRecord audit = test::sample_pictures();
  profile::ProfileRecord profile = test::sample_profile(audit);
  profile.tool = profile.machine = profile.trusted.engine = attack;
  profile.notes = {attack};
  profile.checks[0].cut = attack;
  profile.devices[0].name = profile.devices[0].engine = profile.devices[0].link.name = attack;
  for (profile::CutCost& cut : profile.cuts) {
    cut.id += attack;
    cut.tensors = {attack};
    cut.exposed_by_construction = attack;
  }
  for (audit::CutRecord& cut : audit.cuts) cut.id += attack;
  plan::PlanPolicy policy;
  policy.devices = {attack};
  plan::Plan plan = test::sample_plan(profile, nullptr, policy);
  plan.tool = plan.machine = plan.model_file = plan.why = attack;
  plan.profile_sha256 = plan.audit_sha256 = attack;
  plan.notes = {attack};
  plan.changes = {{plan::Refusal::kExposed, attack, 1}};
  for (plan::Candidate& c : plan.candidates) {
    c.leakage.outcome = attack;
    c.refused = {{plan::Refusal::kExposed, attack}};
  }
  for (const bool with_audit : {false, true}) {
    for (const size_t chosen : {size_t{0}, plan.candidates.size() - 1}) {
      plan.chosen = chosen;
      plan.safe_cut = chosen > 0;
      const std::string html =
          rendered({.audit = with_audit ? &audit : nullptr, .profile = &profile, .plan = &plan});
      EXPECT_THAT(html, Not(HasSubstr("<img src=x")));
      EXPECT_THAT(html, Not(HasSubstr("alert(1)</script>")));
      EXPECT_EQ(scripts(html), kScripts);
    }
  }
}

TEST_F(Report, HoldsWhatIsAtHand) {
  const AuditRecord audit = test::sample_pictures();
  const auto profile = test::sample_profile(audit);
  const plan::Plan plan = test::sample_plan(profile, &audit);
  const auto sections = [&](const Records& records) {
    const std::string html = markup(rendered(records));
    std::vector<std::string> out;
    const std::regex start("<section id=\"([a-z-]+)\"");
    for (std::sregex_iterator i(html.begin(), html.end(), start), end; i != end; ++i) {
      out.push_back((*i)[1]);
    }
    return out;
  };
  using testing::ElementsAre;
  EXPECT_THAT(sections({.audit = &audit}),
              ElementsAre("leakage", "cuts", "cut-by-cut", "controls", "method", "limits"));
  EXPECT_THAT(sections({.plan = &plan}), ElementsAre("plan"));
  EXPECT_THAT(sections({.profile = &profile, .plan = &plan}),
              ElementsAre("network", "plan", "cost"));
  EXPECT_THAT(sections({.audit = &audit, .profile = &profile, .plan = &plan}),
              ElementsAre("network", "plan", "leakage", "cuts", "cut-by-cut", "controls", "cost",
                          "method", "limits"));
  EXPECT_THAT(sections({.audit = &audit, .profile = &profile}),
              ElementsAre("network", "leakage", "cuts", "cut-by-cut", "controls", "cost", "method",
                          "limits"));
}

TEST_F(Report, AsksForNothing) {
  const std::string html = rendered(test::sample_pictures(folder_.path()));
  const std::string text = markup(html);
  EXPECT_THAT(text, HasSubstr("content=\"default-src 'none'; img-src data:; style-src 'sha256-"));
  EXPECT_THAT(text, Not(HasSubstr("unsafe")));
  const std::regex address("(src|href|action|srcset|data)=\"([^\"]{0,20})");
  for (std::sregex_iterator i(text.begin(), text.end(), address), end; i != end; ++i) {
    EXPECT_THAT((*i)[2].str(),
                testing::AnyOf(testing::StartsWith("data:image/png;"), testing::StartsWith("#")));
  }
  const std::string style = html.substr(html.find("<style>"), html.find("</style>"));
  EXPECT_THAT(style.substr(0, style.find("</style>")), Not(HasSubstr("url(")));
  EXPECT_THAT(html, HasSubstr("University of Washington Interactive Data Lab"));
}

}  // namespace
}  // namespace cloister::report
