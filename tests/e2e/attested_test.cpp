// From the boot of a machine with a TPM to an answer, and everything that must be refused on the
// way, with real programs and a real TPM in software.
#include "tests/e2e/serving.h"
#include "tests/support/swtpm.h"
#include "trust/trust_policy.h"

namespace cloister {
namespace {

using test::Arguments;
using test::Background;
using test::Finished;
using testing::HasSubstr;
using Json = nlohmann::json;

constexpr int kRefused = 3;

class Attested : public test::Serving {
 protected:
  // A machine that has booted, a key for it and its image alone, and two bundles for that key.
  void SetUp() override {
    SKIP_WITHOUT_SWTPM();
    SKIP_WITHOUT("tpm2_pcrextend");
    test::Serving::SetUp();
    tpm_.emplace();
    tcti_ = tpm_->tcti();
    boot("the image");
    body_ = worker();
    draft_policy();
    keyserver({"add", "net", "--keys", "keys", "--policy", "policy.json"});
    recipient_ =
        Json::parse(keyserver({"list", "--keys", "keys", "--json"}))["keys"][0]["recipient"];
    seal("old.cloister", 8, {"--audit", "audit.json"});
    seal("new.cloister", 9, {"--audit", "audit.json"});
    keys_ = start_keys();
  }

  // What firmware does on real machines.
  void boot(const std::string& image) const {
    tpm_->tool("tpm2_pcrextend", {"8:sha256=" + to_hex(sha256(as_bytes(image)))});
  }

  std::string keyserver(const Arguments& arguments) {
    const Finished finished = run_program(CLOISTER_KEYSERVER, arguments, options_);
    EXPECT_EQ(finished.code, 0) << finished.err;
    return finished.out;
  }
  std::unique_ptr<Background> start_keys() {
    auto started =
        std::make_unique<Background>(CLOISTER_KEYSERVER,
                                     Arguments{"serve", "--keys", "keys", "--log", "release.log",
                                               "--listen", fmt::format("127.0.0.1:{}", keys_port_)},
                                     dir_.path(), "keys");
    keys_port_ = started->port();
    return started;
  }

  // As an owner would: shown by a server, then read, and widened where that is meant.
  void draft_policy() {
    Arguments arguments = server_arguments(body_->port());
    arguments.insert(arguments.end(), {"--evidence", "tpm", "--tpm", tpm_->tcti()});
    Background probe(CLOISTERD, arguments, dir_.path(), "probe");
    const std::string url = fmt::format("https://127.0.0.1:{}", probe.port());
    const Finished verified = run({"verify", url, "--draft-policy", "draft.json"});
    EXPECT_EQ(verified.code, kRefused) << "nothing is accepted without a policy";
    Json policy = Json::parse(read_file(dir_ / "draft.json").value_or(""), nullptr, false);
    ASSERT_TRUE(policy.is_object()) << verified.err;
    std::string signer = read_file(dir_ / "rel.pub").value_or("");
    signer = signer.substr(signer.find('\n') + 1, 56);
    policy["bundle"] = {{"signers", {signer}}, {"min_version", 8}};
    policy["audit"] = {{"accept_unaudited", true}};
    policy["configs"] = Json::array();
    policy_ = policy;
    write("policy.json", policy.dump());
  }
  // A client's policy that differs from the owner's.
  std::string changed_policy(const std::function<void(Json&)>& change) {
    Json policy = policy_;
    change(policy);
    write("changed.json", policy.dump());
    return "changed.json";
  }

  Arguments trusted(const std::string& bundle) const {
    return {"--bundle",     bundle,
            "--signer",     "rel.pub",
            "--worker",     worker_url(body_->port()),
            "--listen",     "127.0.0.1:0",
            "--evidence",   "tpm",
            "--tpm",        tcti_,
            "--key-server", fmt::format("https://127.0.0.1:{}", keys_port_)};
  }
  std::unique_ptr<Background> start_trusted(const std::string& bundle) {
    auto started = std::make_unique<Background>(CLOISTERD, trusted(bundle), dir_.path(), "trusted");
    url_ = fmt::format("https://127.0.0.1:{}", started->port());
    return started;
  }
  Finished ask(const std::string& policy) {
    return run({"infer", url_, "--input", "x.npy", "--policy", policy, "-o", "got.npy"});
  }
  void expect_answer() {
    wait_ready();
    fs::remove(dir_ / "got.npy");
    const Finished answered = ask("policy.json");
    ASSERT_EQ(answered.code, 0) << answered.err;
    EXPECT_THAT(answered.err, HasSubstr("warning: a TPM vouches only for the boot"));
    const auto got = read_npy(dir_ / "got.npy");
    ASSERT_TRUE(got);
    const auto values = got->as<float>();
    expect_same_values({values.begin(), values.end()});
  }
  void expect_refused(const std::string& policy, const std::string& part) {
    fs::remove(dir_ / "got.npy");
    const Finished refused = ask(policy);
    EXPECT_EQ(refused.code, kRefused) << refused.err;
    EXPECT_THAT(refused.err, HasSubstr(part));
    EXPECT_FALSE(fs::exists(dir_ / "got.npy"));
  }
  // The server gets no key, and says why.
  void expect_no_key(const std::string& bundle, const std::string& part) {
    Background refused(CLOISTERD, trusted(bundle), dir_.path(), "refused");
    EXPECT_EQ(refused.wait(), kRefused) << refused.err();
    EXPECT_THAT(refused.err(), HasSubstr(part));
  }

  std::optional<test::Swtpm> tpm_;
  std::unique_ptr<Background> body_, keys_;
  std::string tcti_;  // of the machine that servers are started on
  uint16_t keys_port_ = 0;
  Json policy_;
};

TEST_F(Attested, FromBootToAnAnswer) {
  const auto head = start_trusted("new.cloister");
  EXPECT_EQ(head->first_line()["mode"], "tpm");
  expect_answer();

  const Finished verified =
      run({"verify", url_, "--policy", "policy.json", "--json", "--save", "shown.json"});
  EXPECT_EQ(verified.code, 0) << verified.err;
  const Json report = Json::parse(verified.out);
  EXPECT_EQ(report["trusted"], true);
  EXPECT_EQ(report["protects"], "tpm");
  EXPECT_THAT(report["verdict"].get<std::string>(), HasSubstr("MEASURED BOOT ONLY"));
  EXPECT_EQ(report["claims"]["ak_name"], policy_["tee"]["tpm"]["ak_names"][0]);
  EXPECT_EQ(report["claims"]["bundle_version"], "9");
  for (const Json& check : report["checks"]) EXPECT_NE(check["outcome"], "fail") << check;
  EXPECT_EQ(run({"verify", "shown.json", "--policy", "policy.json"}).code, 0);

  const Json log = Json::parse(keyserver({"log", "release.log", "--json"}));
  EXPECT_EQ(log["released"], 1) << log;
}

TEST_F(Attested, ClientsRefuseWhatTheirPolicyDoesNotAccept) {
  const auto head = start_trusted("new.cloister");
  expect_answer();
  expect_refused(changed_policy([](Json& p) { p["bundle"]["min_version"] = 10; }),
                 "bundle.version: 9, want 10 or later (policy: bundle.min_version, line ");
  expect_refused(changed_policy([](Json& p) { p["configs"] = {std::string(64, 'a')}; }),
                 "(policy: configs, line ");
  expect_refused(changed_policy([](Json& p) {
                   p["tee"]["tpm"]["pcrs"][0]["values"] = {std::string(64, 'f')};
                 }),
                 "(policy: tee.tpm.pcrs[0].values, line ");
  expect_refused(
      changed_policy([](Json& p) { p["tee"]["tpm"]["ak_names"] = {std::string(68, '0')}; }),
      "(policy: tee.tpm.ak_names, line ");
  expect_refused(
      changed_policy([](Json& p) {
        p["tee"] = {{"accept_simulated", true}};
      }),
      "policy.kind: tpm (tpm), want a kind that the policy accepts (policy: tee.tpm, not given)");
  expect_refused(changed_policy([](Json& p) { p["bundle"]["manifests"] = {std::string(64, '0')}; }),
                 "(policy: bundle.manifests, line ");
  expect_refused(changed_policy([](Json& p) {
                   p["audit"] = {{"leakage", {{"threshold", 0.01}}}};
                 }),
                 "(policy: audit.leakage, line ");
  // Something else was loaded since.
  boot("something else");
  expect_refused("policy.json", "tpm.pcrs: PCR 8 is ");
}

TEST_F(Attested, AnotherConfigurationIsSeen) {
  auto head = start_trusted("new.cloister");
  const std::string config = head->first_line()["config_sha256"];
  const std::string pinned = changed_policy([&](Json& p) { p["configs"] = {config}; });
  wait_ready();
  EXPECT_EQ(ask(pinned).code, 0);
  head->stop();
  Arguments loosened = trusted("new.cloister");
  loosened.insert(loosened.end(), {"--queue", "1"});
  Background other(CLOISTERD, loosened, dir_.path(), "loosened");
  url_ = fmt::format("https://127.0.0.1:{}", other.port());
  wait_ready();
  expect_refused(pinned, "config.pin: ");
}

TEST_F(Attested, KeysAreForWhomTheOwnerMeans) {
  auto head = start_trusted("new.cloister");
  head->stop();
  expect_no_key("old.cloister", "is already at version 9, but this bundle has version 8");
  // Sealed for somebody else's key.
  expect_no_key("net.cloister", "this server has no key for any of the bundle's 1 recipients");
  boot("something else");
  expect_no_key("new.cloister", "tpm.pcrs: PCR 8 is ");
  // The same machine, booted as it should be: its registers, not its key, were the reason.
  tpm_->stop();
  tpm_->start();
  boot("the image");
  head = start_trusted("new.cloister");
  expect_answer();
  head->stop();
  // Another machine whose registers say the same.
  test::Swtpm other;
  other.tool("tpm2_pcrextend", {"8:sha256=" + to_hex(sha256(as_bytes(std::string("the image"))))});
  tcti_ = other.tcti();
  expect_no_key("new.cloister", "(policy: tee.tpm.ak_names)");
  tcti_ = tpm_->tcti();
  keyserver({"revoke", "net", "--keys", "keys", "--why", "the image leaks"});
  expect_no_key("new.cloister", "key 'net' is revoked: the image leaks");
}

TEST_F(Attested, CanBeStoppedWhileTheKeyServerHangs) {
  keys_->signal(SIGSTOP);
  Background waiting(CLOISTERD, trusted("new.cloister"), dir_.path(), "waiting");
  ASSERT_TRUE(waiting.says("clients are not authenticated")) << waiting.err();
  const auto begin = std::chrono::steady_clock::now();
  waiting.stop();
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(15));
  keys_->signal(SIGCONT);
}

TEST_F(Attested, NothingIsLostWhenEitherSideIsRestarted) {
  auto head = start_trusted("new.cloister");
  head->stop();
  EXPECT_EQ(keys_->stop(), 0);
  // The server waits for its key.
  head = std::make_unique<Background>(CLOISTERD, trusted("new.cloister"), dir_.path(), "trusted");
  ASSERT_TRUE(head->says("waiting for the key server")) << head->err();
  keys_ = start_keys();
  url_ = fmt::format("https://127.0.0.1:{}", head->port());
  expect_answer();
  // What was released before is still known.
  expect_no_key("old.cloister", "already at version 9");
  // A server that waits can be stopped.
  EXPECT_EQ(keys_->stop(), 0);
  Background waiting(CLOISTERD, trusted("new.cloister"), dir_.path(), "waiting");
  ASSERT_TRUE(waiting.says("waiting for the key server")) << waiting.err();
  EXPECT_EQ(waiting.stop(), 0);
}

}  // namespace
}  // namespace cloister
