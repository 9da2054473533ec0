// `cloister keygen`, `seal`, `unseal` and `bundle`.
#include "base/sha256.h"
#include "bundle/bundle.h"
#include "plan/plan.h"
#include "tests/plan/synthetic.h"
#include "tests/support/cloister.h"
#include "tests/support/tools.h"

namespace cloister {
namespace {

using test::Arguments;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

constexpr const char* kSlowGpu = "gpu=flops=1G,bytes=1G,link=10G,latency=20e-6";

class Seal : public test::CloisterTest {
 protected:
  void SetUp() override { prepare("N"); }

  // A model of four cuts, its plan, and the keys.
  void prepare(const zoo::Dimension& batch) {
    test::ModelBuilder b("net");
    b.input("x", DType::kF32, {batch, 16});
    std::string from = "x";
    for (const std::string to : {"h", "a", "y"}) {
      const int64_t in = from == "x" ? 16 : 40;
      b.random("w_" + to, {40, in});
      const std::string gemm = to == "y" ? to : to + "0";
      b.add(
          {.op = "Gemm", .inputs = {from, "w_" + to}, .attrs = {{"transB", 1}}, .outputs = {gemm}});
      if (to != "y") b.add({.op = "Relu", .inputs = {gemm}, .outputs = {to}});
      from = to;
    }
    b.output("y", DType::kF32, {batch, 40});
    save(b.finish(), "net.onnx");
    const auto cuts = json_of({"inspect", "net.onnx", "--json"})["cuts"];
    ASSERT_EQ(cuts.size(), 4U);
    auto profile = test::profile_of(4, {test::device_named("cpu", 105, false)});
    for (size_t i = 0; i < 4; ++i) profile.cuts[i].id = cuts[i]["id"];
    profile.model_sha256 = to_hex(sha256(as_bytes(*read_file(dir_ / "net.onnx"))));
    write("p.json", profile::profile_json(profile));
    write("audit.json", audit::record_json(test::audit_of(profile, {0.6, 0.42, 0.26, 0.19})));
    done({"plan", "net.onnx", "--profile", "p.json", "--audit", "audit.json", "--device", kSlowGpu,
          "-o", "plan.json"});
    if (!fs::exists(dir_ / "key.txt")) {
      recipient_ = done({"keygen", "--encryption", "-o", "key.txt"});
      recipient_.pop_back();
      done({"keygen", "--signing", "-o", "rel", "--no-password"});
    }
  }

  void write(const std::string& name, const std::string& text) {
    ASSERT_TRUE(write_file(dir_ / name, text));
  }

  Arguments seal(const Arguments& more = {}, const std::string& plan = "plan.json") const {
    Arguments all = {"seal",   "net.onnx", "--plan",           plan, "--recipient", recipient_,
                     "--sign", "rel.key",  "--bundle-version", "7",  "-o",          "net.cloister"};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }

  std::string recipient_;
};

TEST_F(Seal, SealShowUnseal) {
  write("labels.txt", "a\nb\n");
  write("report.html", "<!doctype html>");
  EXPECT_THAT(
      done(seal({"--audit", "audit.json", "--labels", "labels.txt", "--report", "report.html"})),
      testing::MatchesRegex("net.cloister  .*  net version 7, 2 segments, signed by "
                            "[0-9A-F]+\n"));
  const std::string shown = done({"bundle", "show", "net.cloister", "--signer", "rel.pub"});
  EXPECT_THAT(shown, AllOf(HasSubstr("model        net version 7\n"), HasSubstr("good, by "),
                           HasSubstr("batch        up to 8"), HasSubstr(recipient_),
                           HasSubstr("head         trusted: x f32[?,16] -> a0 f32[?,40]"),
                           HasSubstr("audit.json")));
  const auto json = json_of({"bundle", "show", "net.cloister", "--json", "--signer",
                             read_file(dir_ / "rel.pub")->substr(56, 56)});
  EXPECT_EQ(json["manifest"]["max_batch"], 8);
  EXPECT_EQ(json["signer"], read_file(dir_ / "rel.pub")->substr(56, 56));
  EXPECT_TRUE(json["altered"].empty());

  const auto unsealed = run({"unseal", "net.cloister", "--identity", "key.txt", "-o", "parts"});
  EXPECT_EQ(unsealed.code, 0) << unsealed.err;
  EXPECT_THAT(unsealed.err, AllOf(HasSubstr("warning: the signature was not checked"),
                                  HasSubstr("now holds the encrypted segments in the clear")));
  EXPECT_THAT(files("parts"), ElementsAre("body.data", "body.onnx", "head.data", "head.onnx"));
  EXPECT_EQ(fs::status(dir_ / "parts/head.data").permissions(),
            fs::perms::owner_read | fs::perms::owner_write);
  // Its segments give what the model gives.
  done({"run", "net.onnx", "--random", "5", "--batch", "3", "-o", "whole.npy"});
  done({"run", "parts/head.onnx", "--random", "5", "--batch", "3", "-o", "a0.npy"});
  done({"run", "parts/body.onnx", "--input", "a0.npy", "-o", "y.npy"});
  EXPECT_EQ(*read_file(dir_ / "y.npy"), *read_file(dir_ / "whole.npy"));
  // What is there is not replaced.
  const auto again = run({"unseal", "net.cloister", "--identity", "key.txt", "-o", "parts"});
  EXPECT_EQ(again.code, 2);
  EXPECT_THAT(again.err, HasSubstr("'parts/head.onnx' already exists"));
}

TEST_F(Seal, TheSameFromToolsOfOthers) {
  SKIP_WITHOUT("age-keygen");
  SKIP_WITHOUT("minisign");
  ASSERT_EQ(test::run_tool("age-keygen", {"-o", "age.txt"}, dir_).code, 0);
  ASSERT_EQ(test::run_tool("minisign", {"-G", "-W", "-p", "m.pub", "-s", "m.key"}, dir_).code, 0);
  const std::string other = test::run_tool("age-keygen", {"-y", "age.txt"}, dir_).out;
  write("recipients.txt", "# servers\n" + other);
  done({"seal", "net.onnx", "--plan", "plan.json", "--recipients-file", "recipients.txt", "--sign",
        "m.key", "--bundle-version", "1", "--name", "other", "-o", "o.cloister"});
  const auto unsealed = run({"unseal", "o.cloister", "--identity", "age.txt", "--signer", "m.pub",
                             "-o", "parts", "--json"});
  EXPECT_EQ(unsealed.code, 0) << unsealed.err;
  EXPECT_EQ(nlohmann::json::parse(unsealed.out)["files"].size(), 4U);
}

TEST_F(Seal, Batches) {
  prepare(1);
  done(seal());
  EXPECT_EQ(json_of({"bundle", "show", "net.cloister", "--json"})["manifest"]["max_batch"], 8);
  done(seal({"--max-batch", "1"}));
  const auto fixed = json_of({"bundle", "show", "net.cloister", "--json"})["manifest"];
  EXPECT_EQ(fixed["max_batch"], 1);
  EXPECT_EQ(fixed["inputs"][0]["shape"][0], 1);
  prepare(2);
  const auto noted = run(seal());
  EXPECT_EQ(noted.code, 0);
  EXPECT_THAT(noted.err, HasSubstr("note: batches are off (--max-batch 1): 'x' is f32[2,16]"));
  fails(seal({"--max-batch", "4"}), 1, "--max-batch 4: 'x' is f32[2,16], whose first dimension");
}

TEST_F(Seal, BoundsOfFreeDimensions) {
  const auto most = [&] {
    return json_of({"bundle", "show", "net.cloister", "--json"})["manifest"]["inputs"][0]["most"];
  };
  done(seal());
  EXPECT_TRUE(most().is_null()) << "only the batch is free";
  const auto noted = run(seal({"--max-batch", "1"}));
  EXPECT_THAT(noted.err, HasSubstr("note: requests may have 'x' of up to f32[?<=1024,16]; "));
  EXPECT_EQ(most(), nlohmann::json({1024, -1}));
  const auto chosen = run(seal({"--max-batch", "1", "--max-dim", "x[0]=4"}));
  EXPECT_EQ(chosen.err, "");
  EXPECT_EQ(most(), nlohmann::json({4, -1}));
  fails(seal({"--max-dim", "x=4"}), 2, "--max-dim 'x=4': want INPUT[AXIS]=N");
  fails(seal({"--max-dim", "x[1]=4"}), 1, "'x[1]' is not free: the input is f32[?,16]");
}

TEST_F(Seal, PlansThatMayNotBeServed) {
  // No audit: all trusted, and that may be sealed.
  EXPECT_EQ(run({"plan", "net.onnx", "--profile", "p.json", "-o", "trusted.json"}).code, 3);
  EXPECT_THAT(done(seal({}, "trusted.json")), HasSubstr("1 segment,"));
  const auto manifest = json_of({"bundle", "show", "net.cloister", "--json"})["manifest"];
  EXPECT_EQ(manifest["segments"].size(), 1U);
  EXPECT_TRUE(manifest["audit_sha256"].is_null());
  fails({"bundle", "export-triton", "net.cloister", "-o", "models"}, 2, "has no body");
  // One that is too slow for its policy.
  write("policy.json", R"({"schema": "cloister/plan-policy/1", "max_latency_ms": 1e-6})");
  run({"plan", "net.onnx", "--profile", "p.json", "--policy", "policy.json", "-o", "slow.json"});
  if (fs::exists(dir_ / "slow.json")) fails(seal({}, "slow.json"), 3, "may not be served");
}

TEST_F(Seal, PartsThatDoNotBelongTogether) {
  write("other.json", *read_file(dir_ / "audit.json") + "\n");
  fails(seal({"--audit", "other.json"}), 1,
        "'other.json' is not the audit from which the plan was made");
  write("labels.txt", "\n");
  fails(seal({"--labels", "labels.txt"}), 1, "'labels.txt'");
  write("preprocess.json", "{}");
  fails(seal({"--preprocess", "preprocess.json"}), 1, "'preprocess.json'");
  write("empty", "");
  fails(seal({"--report", "empty"}), 1, "'empty' is empty");
  fails(seal({}, "p.json"), 1, "schema");
  fails(seal({"--name", "a/b"}), 2, "model name 'a/b'");
  fails(seal({"--recipient", "age1x"}), 2, "recipient 'age1x'");
  fails(seal({"--bundle-version", "0"}), 2, "--bundle-version");
  Arguments nobody = seal();
  nobody.erase(nobody.begin() + 4, nobody.begin() + 6);
  fails(nobody, 2, "--recipient is missing");
  save(test::small_graph().finish(), "net.onnx");
  fails(seal(), 1, "'plan.json' is of another model");
  EXPECT_FALSE(fs::exists(dir_ / "net.cloister"));
}

TEST_F(Seal, WhoeverAltersABundleIsFound) {
  done(seal());
  done({"keygen", "--signing", "-o", "other", "--no-password"});
  fails({"bundle", "show", "net.cloister", "--signer", "other.pub"}, 3, "signed by key");
  done({"keygen", "--encryption", "-o", "other.txt"});
  const auto closed = run(
      {"unseal", "net.cloister", "--identity", "other.txt", "--signer", "rel.pub", "-o", "parts"});
  EXPECT_EQ(closed.code, 3);
  EXPECT_THAT(closed.err, HasSubstr("no recipient of this file has the given key"));
  EXPECT_THAT(files("parts"), testing::IsEmpty());
  std::string file = *read_file(dir_ / "net.cloister");
  const auto bundle = bundle::Bundle::open(dir_ / "net.cloister", {}, 0);
  const std::string weights = bundle->segment("body", {})->model.substr(0, 30);
  file[file.find(weights)] ^= 1;
  write("net.cloister", file);
  const auto shown = run({"bundle", "show", "net.cloister", "--signer", "rel.pub"});
  EXPECT_EQ(shown.code, 3);
  EXPECT_THAT(shown.err, HasSubstr("entry 'body.onnx': not what was signed"));
}

TEST_F(Seal, TritonRepository) {
  done(seal());
  EXPECT_EQ(
      done({"bundle", "export-triton", "net.cloister", "-o", "models", "--signer", "rel.pub"}),
      "models/net/7\n");
  EXPECT_THAT(files("models/net"), ElementsAre("7", "config.pbtxt"));
  EXPECT_THAT(files("models/net/7"), ElementsAre("body.data", "model.onnx"));
  fails({"bundle", "export-triton", "net.cloister", "-o", "models"}, 2, "already exists");
}

TEST_F(Seal, EveryOutputMakesItsFolder) {
  done({"plan", "net.onnx", "--profile", "p.json", "--audit", "audit.json", "--device", kSlowGpu,
        "-o", "new/plans/plan.json"});
  Arguments arguments = seal({}, "new/plans/plan.json");
  arguments.back() = "new/bundles/net.cloister";
  done(arguments);
  EXPECT_THAT(files("new/bundles"), ElementsAre("net.cloister"));
  arguments.back() = "plan.json/net.cloister";
  fails(arguments, 1, "can't make folder 'plan.json'");
}

TEST_F(Seal, Keygen) {
  fails({"keygen"}, 2, "want one of --encryption");
  fails({"keygen", "--encryption"}, 2, "-o FILE is missing");
  done({"keygen", "--encryption", "-o", "keys/new/key.txt"});
  done({"keygen", "--signing", "-o", "keys/other/rel", "--no-password"});
  fs::remove_all(dir_ / "keys");
  fails({"keygen", "--encryption", "-o", "key.txt"}, 2, "'key.txt' already exists");
  fails({"keygen", "--signing", "-o", "rel", "--no-password"}, 2, "'rel.key' already exists");
  EXPECT_EQ(fs::status(dir_ / "key.txt").permissions(),
            fs::perms::owner_read | fs::perms::owner_write);
  const std::string out = done({"keygen", "--token", "alice"});
  const std::string token = out.substr(0, 64);
  const auto line = nlohmann::json::parse(out.substr(65));
  EXPECT_EQ(line["name"], "alice");
  EXPECT_EQ(line["token_sha256"], to_hex(sha256(as_bytes(token))));
  EXPECT_NE(done({"keygen", "--token", "alice"}).substr(0, 64), token);
}

}  // namespace
}  // namespace cloister
