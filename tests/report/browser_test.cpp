// report.html in a browser without a screen: charts are drawn, nothing complains, nothing is wider
// than a phone. Skipped where chromium is not installed (tools/setup --dev installs it).
#include <nlohmann/json.hpp>
#include <regex>

#include "report/report.h"
#include "tests/support/program.h"
#include "tests/support/sample_audit.h"
#include "tests/support/sample_plan.h"

namespace cloister::report {
namespace {

using testing::HasSubstr;

// Looks at the page from outside, 360 pixels wide, with all details open, and writes what it sees
// into its own <body>: the page itself runs no script but its own.
constexpr const char* kLook =
    R"(<!doctype html><body><iframe width="360" height="800"></iframe><script>
const frame = document.querySelector('iframe');
const wait = (ms) => new Promise((done) => setTimeout(done, ms));
// The strip as it is at first and after each of some keys.
const kKeys = ['', 'Home', 'ArrowRight', 'End', 'ArrowLeft'];
async function pickCuts(page) {
  const track = page.querySelector('.track');
  track.focus();
  return kKeys.map((key) => {
    const event = new frame.contentWindow.KeyboardEvent('keydown', { key, bubbles: true,
      cancelable: true });
    track.dispatchEvent(event);
    const panels = [...page.querySelectorAll('.pick')].filter((p) => p.offsetHeight > 0);
    return { focused: page.activeElement === track, panels: panels.length,
      title: panels[0].querySelector('h3').textContent,
      pictures: panels[0].querySelectorAll('img').length,
      now: Number(track.getAttribute('aria-valuenow')), text: track.getAttribute('aria-valuetext'),
      untrusted: [...page.querySelectorAll('.layer')].map((l) => +l.matches('.untrusted')).join(''),
      colors: new Set([...page.querySelectorAll('.layer')].map((l) =>
        frame.contentWindow.getComputedStyle(l).fill)).size };
  });
}
frame.onload = async () => {
  const page = frame.contentDocument;
  const root = page.documentElement;
  for (let i = 0; i < 100 && root.dataset.charts !== 'drawn'; ++i) await wait(100);
  for (const details of page.querySelectorAll('details')) details.open = true;
  const figures = [...page.querySelectorAll('figure.chart')];
  const drawn = () => figures.filter((f) => f.querySelector('svg.marks path')).length;
  for (let i = 0; i < 100 && drawn() < figures.length; ++i) await wait(100);
  const strip = page.querySelector('.strip') && await pickCuts(page);
  const broken = [...page.images].filter((i) => i.loading !== 'lazy' && !i.naturalWidth).length;
  document.body.dataset.seen = JSON.stringify({ ...(strip && { strip }), charts: drawn(), figures: figures.length,
    too_wide: Math.max(0, root.scrollWidth - root.clientWidth), broken,
    dark: frame.contentWindow.matchMedia('(prefers-color-scheme: dark)').matches });
};
frame.src = 'report.html';
</script>)";

class Browser : public testing::Test {
 protected:
  void SetUp() override {
    for (const char* path : {"/usr/bin/chromium", "/usr/bin/chromium-browser"}) {
      if (fs::exists(path)) chromium_ = path;
    }
    if (chromium_.empty()) GTEST_SKIP() << "chromium is not installed (tools/setup --dev)";
  }

  test::Finished open(const std::string& page, const test::Arguments& more = {}) {
    test::Arguments arguments = {"--headless",
                                 "--no-sandbox",
                                 "--disable-gpu",
                                 "--user-data-dir=" + (folder_ / "profile").string(),
                                 "--disable-dev-shm-usage",
                                 "--no-first-run",
                                 "--disable-background-networking",
                                 "--disable-component-update",
                                 "--enable-logging=stderr",
                                 "--virtual-time-budget=30000",
                                 "--allow-file-access-from-files",
                                 "--dump-dom"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    arguments.push_back("file://" + (folder_ / page).string());
    test::ProgramOptions options{.folder = folder_.path()};
    return test::run_program(chromium_, arguments, options);
  }

  // What pages wrote to the console: errors of scripts, what a policy forbade.
  static std::vector<std::string> console(const test::Finished& finished) {
    std::vector<std::string> lines;
    const std::regex line("[^\n]*CONSOLE[^\n]*");
    for (std::sregex_iterator i(finished.err.begin(), finished.err.end(), line), end; i != end;
         ++i) {
      lines.push_back(i->str());
    }
    return lines;
  }

  void save(const audit::AuditRecord& record) { save(Records{.audit = &record}); }
  void save(const Records& records) {
    const auto html = render_report(records, folder_.path());
    ASSERT_TRUE(html) << html.error().message;
    ASSERT_TRUE(write_file(folder_ / "report.html", *html));
    ASSERT_TRUE(write_file(folder_ / "look.html", kLook));
  }

  nlohmann::json look(const test::Arguments& more = {}) {
    const test::Finished finished = open("look.html", more);
    EXPECT_EQ(finished.code, 0) << finished.err;
    EXPECT_THAT(console(finished), testing::IsEmpty());
    std::smatch found;
    if (!std::regex_search(finished.out, found, std::regex("data-seen=\"([^\"]*)\""))) return {};
    return nlohmann::json::parse(std::regex_replace(found[1].str(), std::regex("&quot;"), "\""));
  }

  test::TempDir folder_;
  fs::path chromium_;
};

TEST_F(Browser, DrawsPictures) {
  save(test::sample_pictures(folder_.path()));
  for (const bool dark : {false, true}) {
    // 0 is dark.
    const auto seen = look({fmt::format("--blink-settings=preferredColorScheme={}", dark ? 0 : 1)});
    EXPECT_EQ(seen,
              nlohmann::json(
                  {{"charts", 7}, {"figures", 7}, {"too_wide", 0}, {"broken", 0}, {"dark", dark}}));
  }
}

TEST_F(Browser, DrawsTables) {
  save(test::sample_table());
  const auto seen = look();
  EXPECT_EQ(seen["charts"], seen["figures"]);
  EXPECT_GE(seen["charts"], 3);
  EXPECT_EQ(seen["too_wide"], 0);
}

TEST_F(Browser, PicksCutsByKeyboard) {
  const audit::AuditRecord audit = test::sample_pictures(folder_.path());
  const auto profile = test::sample_profile(audit, {.between = 1, .described = true});
  const plan::Plan plan = test::sample_plan(profile, &audit);
  ASSERT_EQ(first_cut(plan.choice()), audit.cuts.back().id);
  save(Records{.audit = &audit, .profile = &profile, .plan = &plan});
  const auto seen = look();
  EXPECT_EQ(seen["charts"], seen["figures"]);
  EXPECT_EQ(seen["too_wide"], 0);
  ASSERT_EQ(seen["strip"].size(), 5U);
  struct Stop {
    std::string title;
    int now;
    std::string untrusted;
    bool pictures;
  };
  // Ten cuts, eleven blocks. A cut that was not audited has no pictures.
  const std::string all = "No cut: all trusted";
  const Stop wanted[] = {{audit.cuts[4].id, 9, "00000000011", true},
                         {audit.cuts[0].id, 1, "01111111111", true},
                         {profile.cuts[1].id, 2, "00111111111", false},
                         {all, 11, "00000000000", false},
                         {profile.cuts[9].id, 10, "00000000001", false}};
  for (size_t i = 0; i < std::size(wanted); ++i) {
    const auto& stop = seen["strip"][i];
    EXPECT_TRUE(stop["focused"]);
    EXPECT_EQ(stop["panels"], 1);
    EXPECT_EQ(stop["title"], wanted[i].title);
    EXPECT_EQ(stop["now"], wanted[i].now);
    EXPECT_EQ(stop["untrusted"], wanted[i].untrusted);
    EXPECT_EQ(stop["pictures"] > 0, wanted[i].pictures) << i;
  }
  EXPECT_EQ(seen["strip"][0]["text"], "c7654ff, cut 9 of 10, 87 % of the time trusted, resisted");
}

// As large as networks get.
TEST_F(Browser, ShowsManyCuts) {
  const audit::AuditRecord audit = test::sample_pictures();
  const auto profile = test::sample_profile(audit, {.between = 49});
  const plan::Plan plan = test::sample_plan(profile, nullptr);
  save(Records{.profile = &profile, .plan = &plan});
  const auto seen = look();
  EXPECT_EQ(seen["charts"], 1);
  EXPECT_EQ(seen["too_wide"], 0);
  EXPECT_EQ(seen["strip"][0]["title"], "No cut: all trusted");
  EXPECT_EQ(seen["strip"][4]["now"], 250);
}

// Whatever the record holds, no script of it runs and the page stays whole.
TEST_F(Browser, DrawsWhatStrangersNamed) {
  audit::AuditRecord record = test::sample_pictures();
  const std::string attack = "</script><img src=http://example.com/ onerror=console.error(1)>";
  record.model.file = record.machine = attack;
  for (audit::CutRecord& cut : record.cuts) {
    cut.id += attack;
    cut.tensors[0].name = std::string(1000, 'x');
    for (audit::AttackerRecord& attacker : cut.attackers) attacker.name += attack;
  }
  profile::ProfileRecord profile = test::sample_profile(record);
  profile.machine = profile.devices[0].name = attack + std::string(300, 'y');
  for (profile::CutCost& cut : profile.cuts) cut.tensors = {attack};
  plan::Plan plan = test::sample_plan(profile, &record);
  plan.changes = {{plan::Refusal::kExposed, attack, 1}};
  plan.notes = {attack};
  save(Records{.audit = &record, .profile = &profile, .plan = &plan});
  const auto seen = look();
  EXPECT_EQ(seen["charts"], seen["figures"]);
  EXPECT_EQ(seen["too_wide"], 0);
  EXPECT_EQ(seen["strip"].size(), 5U);
}

// The tests above would see it if something were forbidden or went wrong.
TEST_F(Browser, ComplainsWhenThePageIsTamperedWith) {
  save(test::sample_pictures());
  std::string html = *read_file(folder_ / "report.html");
  html.replace(html.find("</main>"), 0, "<img src=\"http://example.com/x.png\"><script>1</script>");
  ASSERT_TRUE(write_file(folder_ / "changed.html", html));
  const auto lines = console(open("changed.html"));
  EXPECT_THAT(lines, testing::Contains(HasSubstr("Content Security Policy")));
  EXPECT_THAT(lines, testing::Contains(HasSubstr("http://example.com/x.png")));
}

}  // namespace
}  // namespace cloister::report
