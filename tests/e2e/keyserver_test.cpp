// cloister-keyserver as its owner uses it; who asks is the client's code in this process.
#include <csignal>
#include <nlohmann/json.hpp>

#include "tests/keyserver/key_world.h"
#include "tests/support/background.h"

namespace cloister {
namespace {

using test::Arguments;
using test::Background;
using test::expect_error;
using test::value_of;
using testing::HasSubstr;
using Json = nlohmann::json;

constexpr const char* kPolicy =
    R"({"schema": "cloister/trust-policy/1", "tee": {"accept_simulated": true},
        "bundle": {"accept_any_signer": true}, "audit": {"accept_unaudited": true}})";

class Keyserver : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(write_file(dir_ / "policy.json", kPolicy));
    const auto added = run({"add", "release", "--keys", "keys", "--policy", "policy.json"});
    ASSERT_EQ(added.code, 0) << added.err;
    recipient_ = added.out.substr(0, added.out.size() - 1);
    EXPECT_THAT(added.err, HasSubstr("warning: this policy releases the key to simulated"));
  }

  test::Finished run(const Arguments& arguments) {
    test::ProgramOptions options;
    options.folder = dir_.path();
    return test::run_program(CLOISTER_KEYSERVER, arguments, options);
  }
  Json json_of(const Arguments& arguments) {
    const auto done = run(arguments);
    EXPECT_EQ(done.code, 0) << done.err;
    return Json::parse(done.out, nullptr, false);
  }
  std::unique_ptr<Background> serve() {
    auto server = std::make_unique<Background>(
        CLOISTER_KEYSERVER,
        Arguments{"serve", "--keys", "keys", "--log", "release.log", "--listen", "127.0.0.1:0"},
        dir_.path(), "server");
    port_ = server->port();
    return server;
  }
  bundle::Bundle seal(uint64_t version) {
    return model_.seal(version, {value_of(age::Recipient::parse(recipient_))});
  }
  Result<serving::ReleasedKeys> ask(const bundle::Bundle& bundle) const {
    test::FakeProducer producer = test::simulated();
    return serving::ask_for_keys({.server = {.tls = true, .host = "127.0.0.1", .port = port_},
                                  .limit = net::Seconds(20),
                                  .config_sha256 = std::string(64, 'c'),
                                  .tool = "test"},
                                 bundle, producer);
  }

  test::TempDir dir_;
  test::SealedModel model_;
  std::string recipient_;
  uint16_t port_ = 0;
};

TEST_F(Keyserver, FromAKeyToAReleaseToItsRevocation) {
  const bundle::Bundle bundle = seal(2);
  auto server = serve();
  const auto keys = value_of(ask(bundle));
  EXPECT_TRUE(bundle.segment("head", keys.identities, keys.headers));
  expect_error(ask(seal(1)), Kind::kRefused, "at version 2, but this bundle has version 1");

  EXPECT_EQ(run({"revoke", "release", "--keys", "keys", "--why", "the image leaks"}).code, 0);
  expect_error(ask(bundle), Kind::kRefused, "key 'release' is revoked: the image leaks");
  EXPECT_EQ(run({"revoke", "release", "--keys", "keys", "--why", "again"}).code, 2);
  const Json listed = json_of({"list", "--keys", "keys", "--json"})["keys"][0];
  EXPECT_EQ(listed["recipient"], recipient_);
  EXPECT_EQ(listed["accepts"], Json::array({"simulated"}));
  EXPECT_EQ(listed["revoked"]["why"], "the image leaks");
  EXPECT_EQ(run({"restore", "release", "--keys", "keys"}).code, 0);
  EXPECT_TRUE(ask(bundle));

  EXPECT_EQ(server->stop(), 0) << server->err();
  const Json log = json_of({"log", "release.log", "--json"});
  EXPECT_EQ(log["released"], 2);
  EXPECT_EQ(log["refused"], 2);
  EXPECT_EQ(log["revoked"], 1);
  EXPECT_EQ(log["restored"], 1);
  const auto printed = run({"log", "release.log", "--expect-head", log["head"]});
  EXPECT_EQ(printed.code, 0) << printed.err;
  EXPECT_THAT(printed.out, HasSubstr(" released key=release model=small version=2 kind=simulated "
                                     "measurement=000"));
  EXPECT_THAT(server->err(), HasSubstr(log["head"].get<std::string>().substr(2)));
}

// However it ends: what was released is in the log.
TEST_F(Keyserver, KilledInTheMiddle) {
  const bundle::Bundle bundle = seal(3);
  for (int round = 0; round < 3; ++round) {
    auto server = serve();
    std::atomic<uint64_t> released = 0;
    std::thread asker([&] {
      while (const auto keys = ask(bundle)) ++released;
    });
    ASSERT_TRUE(test::eventually([&] { return released >= 3; })) << server->err();
    server->signal(SIGKILL);
    asker.join();
    server->wait();
    const Json log = json_of({"log", "release.log", "--json"});
    EXPECT_GE(log["released"], released.load());
    EXPECT_EQ(log["started"], round + 1);
  }
  auto server = serve();
  expect_error(ask(seal(2)), Kind::kRefused, "at version 3");
}

// As logrotate does it: the file moved away, then SIGHUP.
TEST_F(Keyserver, ARotatedLog) {
  const auto server = serve();
  ASSERT_TRUE(ask(seal(2)));
  fs::rename(dir_ / "release.log", dir_ / "release.log.1");
  server->signal(SIGHUP);
  ASSERT_TRUE(test::eventually([&] { return server->err().contains("log continued"); }))
      << server->err();
  ASSERT_TRUE(ask(seal(3)));
  expect_error(ask(seal(1)), Kind::kRefused, "at version 3");
  EXPECT_EQ(server->stop(), 0);
  const Json both = json_of({"log", "release.log.1", "release.log", "--json"});
  EXPECT_EQ(both["released"], 2);
  EXPECT_EQ(json_of({"log", "release.log", "--json"})["head"], both["head"]);
  EXPECT_EQ(run({"log", "release.log", "release.log.1"}).code, 3);
}

TEST_F(Keyserver, AnAlteredLog) {
  const auto server = serve();
  ASSERT_TRUE(ask(seal(1)));
  ASSERT_TRUE(ask(seal(2)));
  const std::string anchored = json_of({"log", "release.log", "--json"})["head"];
  EXPECT_EQ(server->stop(), 0);
  const std::string good = value_of(read_file(dir_ / "release.log"));

  // The last line taken away: only who kept the head can tell.
  const size_t last = good.rfind('\n', good.size() - 2) + 1;
  ASSERT_TRUE(write_file(dir_ / "release.log", good.substr(0, last)));
  EXPECT_EQ(run({"log", "release.log"}).code, 0);
  const auto shorter = run({"log", "release.log", "--expect-head", anchored});
  EXPECT_EQ(shorter.code, 3);
  EXPECT_THAT(shorter.err, HasSubstr("ends with line 2, and line 3 is expected"));

  std::string changed = good;
  changed.replace(changed.find("\"version\":1"), 11, "\"version\":7");
  ASSERT_TRUE(write_file(dir_ / "release.log", changed));
  const auto refused = run({"log", "release.log"});
  EXPECT_EQ(refused.code, 3);
  EXPECT_THAT(refused.err, HasSubstr("line 3: previous:"));
  const auto serving = run({"serve", "--keys", "keys", "--log", "release.log"});
  EXPECT_EQ(serving.code, 3);
  EXPECT_THAT(serving.err, HasSubstr("line 3: previous:"));

  ASSERT_TRUE(write_file(dir_ / "release.log", good + "{\"schema\":"));
  const auto torn = run({"log", "release.log", "--json", "--expect-head", anchored});
  EXPECT_EQ(torn.code, 0);
  EXPECT_THAT(torn.err, HasSubstr("10 bytes of an unfinished last line"));
}

TEST_F(Keyserver, WrongUsage) {
  const auto code = [&](const Arguments& arguments) { return run(arguments).code; };
  EXPECT_EQ(code({}), 2);
  EXPECT_EQ(code({"frobnicate"}), 2);
  EXPECT_EQ(code({"add", "release", "--keys", "keys", "--policy", "policy.json"}), 2);
  EXPECT_EQ(code({"add", "a/b", "--keys", "keys", "--policy", "policy.json"}), 1);
  EXPECT_EQ(code({"add", "x", "--keys", "keys", "--policy", "none.json"}), 1);
  EXPECT_EQ(code({"revoke", "none", "--keys", "keys", "--why", "x"}), 1);
  EXPECT_EQ(code({"revoke", "release", "--keys", "keys", "--why", ""}), 2);
  EXPECT_EQ(code({"restore", "release", "--keys", "keys"}), 2);
  EXPECT_EQ(code({"log", "none.log"}), 1);
  EXPECT_EQ(code({"log", "policy.json", "--expect-head", "x"}), 2);
  EXPECT_EQ(code({"serve", "--keys", "none", "--log", "l"}), 1);
  EXPECT_EQ(code({"serve", "--keys", "keys", "--log", "l", "--cert", "x"}), 2);
  EXPECT_EQ(code({"--help"}), 0);
  for (const char* command : {"serve", "add", "policy", "list", "revoke", "restore", "log"}) {
    EXPECT_EQ(code({command, "--help"}), 0) << command;
  }
}

TEST_F(Keyserver, ImportedKeysAndNewPolicies) {
  ASSERT_TRUE(write_file(dir_ / "own.txt", model_.identity.text().text()));
  const Json added = json_of({"add", "own", "--keys", "keys", "--policy", "policy.json",
                              "--identity", "own.txt", "--json"});
  EXPECT_EQ(added["recipient"], model_.identity.recipient().text());
  const auto server = serve();
  const bundle::Bundle bundle = model_.seal(1);
  EXPECT_EQ(value_of(ask(bundle)).key, "own");
  std::string strict = kPolicy;
  strict.replace(strict.find("\"accept_any_signer\": true"), 25,
                 "\"accept_any_signer\": true, \"min_version\": 2");
  ASSERT_TRUE(write_file(dir_ / "strict.json", strict));
  EXPECT_EQ(run({"policy", "own", "--keys", "keys", "--policy", "strict.json"}).code, 0);
  expect_error(ask(bundle), Kind::kRefused, "bundle.version");
}

}  // namespace
}  // namespace cloister
