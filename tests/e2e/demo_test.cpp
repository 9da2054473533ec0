// `cloister demo`: what the README promises.
#include "plan/plan.h"
#include "tests/support/cloister.h"

namespace cloister {
namespace {

using testing::HasSubstr;
using testing::Not;

class Demo : public test::CloisterTest {
 protected:
  bool audits() const { return fs::exists(program_.parent_path() / "cloister-audit"); }
};

TEST_F(Demo, TellsTheWholeStory) {
  options_.limit = std::chrono::seconds(1100);  // without AVX-512, five minutes on two cores
  const test::Finished ran = run({"demo", "-o", "d"});
  ASSERT_EQ(ran.code, 0) << ran.err;
  const std::string& out = ran.out;
  const size_t end = out.find("==> What this showed");
  ASSERT_NE(end, std::string::npos) << out;
  EXPECT_THAT(out, HasSubstr("segments and whole model: "));
  EXPECT_THAT(out, HasSubstr("  6  star\n"));
  // Colours are for terminals.
  EXPECT_THAT(out, Not(HasSubstr("\033")));
  const auto made = plan::read_plan(dir_ / "d/plan.json");
  ASSERT_TRUE(made) << made.error().message;
  if (!audits()) {
    EXPECT_THAT(out, HasSubstr("This build lacks LibTorch"));
    EXPECT_THAT(out.substr(end), HasSubstr("the whole model stays trusted"));
    EXPECT_FALSE(made->safe_cut);
    return;
  }
  const auto audit = audit::read_record(dir_ / "d/audit/audit.json");
  ASSERT_TRUE(audit) << audit.error().message;
  ASSERT_EQ(audit->cuts.size(), 3U);
  // Early cuts give the picture away, late ones do not.
  EXPECT_EQ(audit->cuts[0].verdict->outcome, audit::Outcome::kExposed);
  EXPECT_EQ(audit->cuts[1].verdict->outcome, audit::Outcome::kExposed);
  EXPECT_EQ(audit->cuts[2].verdict->outcome, audit::Outcome::kResisted)
      << audit->cuts[2].verdict->sentence;
  EXPECT_TRUE(made->safe_cut) << made->why;
  EXPECT_EQ(first_cut(made->choice()), "cdc0547") << made->why;
  EXPECT_THAT(out.substr(end), HasSubstr("The plan cuts at cdc0547"));
  EXPECT_THAT(*read_file(dir_ / "d/report.html"), HasSubstr("data:image/png;base64,"));
}

TEST_F(Demo, Errors) {
  fails({"demo", "--threads", "0"}, 2, "--threads");
  fails({"demo", "more"}, 2, "unexpected argument: more");
  fs::create_directories(dir_ / "mine");
  ASSERT_TRUE(write_file(dir_ / "mine/thesis.txt", "x"));
  fails({"demo", "-o", "mine"}, 2, "'mine' exists and was not made by the demo");
  EXPECT_TRUE(fs::exists(dir_ / "mine/thesis.txt"));
}

}  // namespace
}  // namespace cloister
