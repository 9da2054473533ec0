// `cloister plan`.
#include "base/sha256.h"
#include "tests/plan/synthetic.h"
#include "tests/support/cloister.h"

namespace cloister {
namespace {

using test::Arguments;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class PlanCommand : public test::CloisterTest {
 protected:
  void SetUp() override {
    ASSERT_TRUE(write_file(dir_ / "net.onnx", "a model is its bytes here"));
    profile_ = test::profile_of(4, {test::device_named("cpu", 105, false)});
    profile_.model_sha256 = to_hex(sha256(as_bytes(std::string_view("a model is its bytes here"))));
    write("p.json", profile::profile_json(profile_));
    write("a.json", audit::record_json(test::audit_of(profile_, {0.6, 0.42, 0.26, 0.19})));
  }

  void write(const std::string& name, const std::string& text) {
    ASSERT_TRUE(write_file(dir_ / name, text));
  }

  static Arguments plan(const Arguments& more = {}) {
    Arguments all = {"plan", "net.onnx", "--profile", "p.json"};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  static Arguments audited(const Arguments& more = {}) {
    Arguments all = plan({"--audit", "a.json"});
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }

  profile::ProfileRecord profile_;
};

constexpr const char* kGpu = "gpu=flops=1G,bytes=1G,link=10G,latency=20e-6";

TEST_F(PlanCommand, ChoosesACut) {
  const std::string out = done(audited({"--device", kGpu, "-o", "plan.json"}));
  EXPECT_THAT(out,
              HasSubstr("Cut c3 (after 60 % of the work) on gpu: 1.6x faster than all trusted"));
  EXPECT_THAT(out, HasSubstr("\n*~  cut c3 on gpu"));
  EXPECT_THAT(out, HasSubstr("What would change the choice:\n  raising the limit on leakage"));
  EXPECT_THAT(out, HasSubstr("modelled, not measured"));
  EXPECT_THAT(out, HasSubstr("refused: input seen"));
  EXPECT_THAT(out, Not(HasSubstr("private")));
  const auto made = plan::read_plan(dir_ / "plan.json");
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_EQ(first_cut(made->choice()), "c3");
  EXPECT_EQ(made->profile_sha256, to_hex(sha256(as_bytes(*read_file(dir_ / "p.json")))));
  EXPECT_EQ(made->audit_sha256, to_hex(sha256(as_bytes(*read_file(dir_ / "a.json")))));
  EXPECT_EQ(done(audited({"--device", kGpu, "--json"})), *read_file(dir_ / "plan.json"));
}

TEST_F(PlanCommand, AllListsWhatOthersBeat) {
  const auto lines = [&](const Arguments& more) {
    return std::ranges::count(done(audited(more)), '\n');
  };
  EXPECT_GT(lines({"--device", kGpu, "--all"}), lines({"--device", kGpu}));
}

TEST_F(PlanCommand, FlagsAndFileMakeThePolicy) {
  const auto cut = [&](const Arguments& more) {
    Arguments all = audited({"--device", kGpu, "--json"});
    all.insert(all.end(), more.begin(), more.end());
    return first_cut(plan::parse_plan(done(all))->choice());
  };
  EXPECT_EQ(cut({"--threshold", "ssim=0.5"}), "c2");
  EXPECT_EQ(cut({"--statistic", "worst"}), "c4");
  write("policy.json", R"({"schema": "cloister/plan-policy/1", "leakage": {"threshold": 0.7}})");
  EXPECT_EQ(cut({"--policy", "policy.json"}), "c1");
  EXPECT_EQ(cut({"--policy", "policy.json", "--threshold", "ssim=0.3"}), "c3");
}

TEST_F(PlanCommand, CuttingThatOnlyCostsIsNoRefusal) {
  EXPECT_THAT(done(audited()), HasSubstr("All trusted: 2 of 4 cuts may be served, but none is"));
}

// Exit code 3, the table on stdout, the refusal last.
TEST_F(PlanCommand, NoSafeCut) {
  const auto refused = [&](const Arguments& arguments, const std::string& part) {
    const auto finished = run(arguments);
    EXPECT_EQ(finished.code, 3) << finished.err;
    EXPECT_THAT(finished.out, HasSubstr(part));
    EXPECT_THAT(finished.err, testing::EndsWith("cloister plan: no cut may be served under this "
                                                "policy; the plan is all trusted\n"));
    return finished.err;
  };
  refused(plan({"-o", "plan.json"}), "of 4 cuts, 4 not audited");
  const auto made = plan::read_plan(dir_ / "plan.json");
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_FALSE(made->safe_cut);
  EXPECT_TRUE(is_all_trusted(made->choice()));
  refused(audited({"--threshold", "ssim=0.17"}), "would allow cut c4");
  profile_.model_sha256 = test::kOtherDigest;
  write("a.json", audit::record_json(test::audit_of(profile_, {0.6, 0.4, 0.2, 0.1})));
  EXPECT_THAT(refused(audited(), "4 not audited"),
              HasSubstr("warning: 'a.json' is of another model"));
}

TEST_F(PlanCommand, DevicesMeasuredElsewhere) {
  auto elsewhere = test::profile_of(4, {test::device_named("cuda", 3)});
  elsewhere.model_sha256 = profile_.model_sha256;
  write("gpu.json", profile::profile_json(elsewhere));
  EXPECT_THAT(
      done(audited({"--device", "h200=gpu.json"})),
      AllOf(HasSubstr("\n*  cut c3 on h200"), HasSubstr("h200 was measured on another machine")));
  EXPECT_THAT(done(audited({"--device", "h200=gpu.json", "--device", kGpu, "--all"})),
              AllOf(HasSubstr(" cut c3 on h200"), HasSubstr(" cut c3 on gpu")));
  fails(audited({"--device", "h200=none.json"}), 1, "--device h200: ");
  fails(audited({"--device", "cpu=gpu.json"}), 2,
        "--device cpu: device 'cpu' is already in the profile");
  fails(audited({"--device", "gpu"}), 2, "--device 'gpu', want NAME=FILE or NAME=flops=");
  fails(audited({"--device", "gpu=flops=1T"}), 2, "--device gpu: 'flops=1T' has no bytes");
}

TEST_F(PlanCommand, PrintsThePolicy) {
  const std::string text = done({"plan", "--print-policy"});
  EXPECT_THAT(text, HasSubstr("\"schema\": \"cloister/plan-policy/1\""));
  EXPECT_THAT(text, HasSubstr("\"threshold\": 0.3"));
  write("policy.json", text);
  EXPECT_EQ(done({"plan", "--print-policy", "--policy", "policy.json"}), text);
  EXPECT_THAT(done({"plan", "--print-policy", "--threshold", "psnr_db=12"}),
              HasSubstr("\"metric\": \"psnr_db\""));
}

TEST_F(PlanCommand, Errors) {
  fails({"plan"}, 2, "MODEL is required");
  fails({"plan", "net.onnx"}, 2, "--profile is required");
  fails(plan({"--policy", "none.json"}), 1, "none.json");
  write("policy.json", R"({"schema": "cloister/plan-policy/1", "speed": 1})");
  fails(plan({"--policy", "policy.json"}), 1, "'policy.json': plan policy: unknown key 'speed'");
  fails(audited({"--threshold", "psnr_db=14"}), 1, "audit: the record can't be judged by psnr_db");
  fails(audited({"--threshold", "ssim=7"}), 2, "threshold is 7");
  write("net.onnx", "another model");
  fails(audited({"-o", "plan.json"}), 1, "'p.json' is of another model: SHA-256 ");
  write("p.json", "{}");
  fails(audited({"-o", "plan.json"}), 1, "'p.json': profile record: ");
  fails({"plan", "none.onnx", "--profile", "p.json"}, 1, "none.onnx");
  EXPECT_FALSE(fs::exists(dir_ / "plan.json"));
}

}  // namespace
}  // namespace cloister
