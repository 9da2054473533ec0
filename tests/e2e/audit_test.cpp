// `cloister audit` as users run it: what it writes, what it refuses, and that a run that was killed
// ends with the scores of one that was not.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "audit/record.h"
#include "tests/support/train.h"

namespace cloister {
namespace {

using test::Arguments;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsSupersetOf;
using testing::Not;
using testing::StartsWith;

// A table and a model for its rows, as `cloister train` would have it.
class AuditCommand : public test::Train {
 protected:
  AuditCommand() { program_ = CLOISTER_AUDIT; }

  static Arguments table(const Arguments& more = {}) {
    Arguments all = {
        "mlp.onnx", "--data",    "t.csv",    "--label",     "kind",
        "--drop",   "ip",        "--budget", "quick",       "--cuts",
        "30%",      "--threads", "1",        "--attackers", "inverse-net,cgan,retrieval"};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }

  void wrong(const Arguments& arguments, int code, const std::string& part) {
    fails(arguments, code, "cloister audit", part);
  }

  // audit.json without what a clock says.
  std::string scores(const std::string& folder) {
    auto record = audit::read_record(dir_ / folder / "audit.json");
    if (!record) {
      ADD_FAILURE() << record.error().message;
      return "";
    }
    for (audit::CutRecord& cut : record->cuts) {
      for (audit::AttackerRecord& attacker : cut.attackers) attacker.seconds = 0;
    }
    return audit::record_json(*record);
  }
};

TEST_F(AuditCommand, WritesARecordAndAPage) {
  const auto finished = run(table({"-o", "a"}));
  ASSERT_EQ(finished.code, 0) << finished.err;
  EXPECT_THAT(finished.out, HasSubstr("of the work"));
  EXPECT_THAT(finished.out, HasSubstr("a label probe reads"));
  EXPECT_THAT(finished.out, Not(HasSubstr("private")));
  EXPECT_THAT(files("a"), IsSupersetOf({"audit.json", "report.html", "work"}));
  EXPECT_THAT(*read_file(dir_ / "a/report.html"), HasSubstr("</html>"));
  const auto record = audit::read_record(dir_ / "a/audit.json");
  ASSERT_TRUE(record) << record.error().message;
  EXPECT_EQ(record->model.file, "mlp.onnx");
  EXPECT_EQ(record->settings.threads, 1);
  EXPECT_EQ(record->cuts.at(0).attackers.size(), 3u);
  EXPECT_THAT(record->notes.at(0), HasSubstr("are not known"));
  // What is done is not done again.
  const auto again = run(table({"-o", "a", "--resume", "--json"}));
  ASSERT_EQ(again.code, 0) << again.err;
  EXPECT_EQ(again.out, audit::record_json(*record));
  wrong(table({"-o", "a"}), 2, "continue it with --resume");
  wrong(table({"-o", "a", "--resume", "--seed", "2"}), 3, "holds another audit's work");
}

class Stopped : public AuditCommand, public testing::WithParamInterface<int> {};

TEST_P(Stopped, GoesOnToTheSameScores) {
  ASSERT_EQ(run(table({"-o", "whole"})).code, 0);
  const fs::path checkpoint = dir_ / "part" / "work" / "state";
  const int status = signalled(table({"-o", "part"}), GetParam(), [&] {
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator(checkpoint, ignored)) {
      if (entry.path().extension() == ".pt") return true;
    }
    return false;
  });
  if (GetParam() == SIGKILL) {
    ASSERT_TRUE(WIFSIGNALED(status)) << "it was done before it was killed";
  } else {
    ASSERT_TRUE(WIFEXITED(status));
    EXPECT_EQ(WEXITSTATUS(status), 128 + GetParam());
    EXPECT_THAT(*read_file(dir_ / ".err"), HasSubstr("stopped; --resume continues from here"));
  }
  EXPECT_FALSE(fs::exists(dir_ / "part/audit.json"));
  const auto resumed = run(table({"-o", "part", "--resume"}));
  ASSERT_EQ(resumed.code, 0) << resumed.err;
  EXPECT_EQ(scores("part"), scores("whole"));
}

INSTANTIATE_TEST_SUITE_P(All, Stopped, testing::Values(SIGKILL, SIGINT, SIGTERM),
                         [](const auto& test) { return std::string(::sigabbrev_np(test.param)); });

TEST_F(AuditCommand, SaysHowLongItWillTake) {
  const auto estimate = json_of(table({"--estimate"}));
  EXPECT_EQ(estimate["schema"], "cloister/audit-estimate/1");
  EXPECT_GT(estimate["seconds"], 0);
  EXPECT_EQ(estimate["cuts"].size(), 1u);
}

TEST_F(AuditCommand, WrongUsageIsOneLine) {
  wrong(table(), 2, "-o DIR is missing");
  wrong({"mlp.onnx", "--data", "t.csv", "-o", "a", "--budget", "huge"}, 2,
        "no budget 'huge': want one of quick, standard, thorough");
  wrong(table({"-o", "a", "--threshold", "beauty=1"}), 2, "beauty");
  wrong(table({"-o", "a", "--threshold", "ssim=0.3"}), 2, "ssim does not go with this data");
  wrong(table({"-o", "a", "--shard", "2"}), 2, "want i/n");
  wrong(table({"-o", "a", "--shard", "2/2"}), 2, "want 0/n to (n-1)/n");
  wrong(table({"-o", "a", "--encoding", "none.json"}), 1, "none.json");
  wrong({"none.onnx", "--data", "t.csv", "-o", "a"}, 1, "none.onnx");
  wrong({"mlp.onnx", "--data", "none.csv", "-o", "a"}, 1, "no data 'none.csv'");
}

TEST_F(AuditCommand, BadDataIsOneLineThatNamesIt) {
  const auto bad = [&](const std::string& content, const std::string& part, int code = 1) {
    write("bad.csv", content);
    Arguments arguments = table({"-o", "a"});
    arguments[2] = "bad.csv";
    wrong(arguments, code, part);
  };
  bad("n,proto,noise,ip,kind\n1,tcp,2,x,scan\n1,tcp\n", "line 3");
  bad(test::table_text(600, "n,proto,noise,ip,other"), "kind", 2);
  bad(test::table_text(40), "too few inputs");
  std::string one_class = "n,proto,noise,ip,kind\n";
  for (int i = 0; i < 400; ++i) one_class += fmt::format("{},tcp,{},x,scan\n", i, i % 7);
  bad(one_class, "are of class 0, want 2 classes or more");
  std::string wide = "n,proto,noise,ip,more,kind\n";
  for (int i = 0; i < 400; ++i) {
    wide += fmt::format("{},tcp,{},x,{},{}\n", i, i % 7, i % 5, i % 2 ? "scan" : "dos");
  }
  bad(wide, "when encoded, input", 2);
}

}  // namespace
}  // namespace cloister
