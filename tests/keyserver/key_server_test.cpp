#include "keyserver/key_server.h"

#include <thread>

#include "attest/simulated/report.h"
#include "serving/key_messages.h"
#include "tests/keyserver/key_world.h"

namespace cloister::serving {
namespace {

using test::bundle_3;
using test::expect_error;
using test::KeyFolder;
using test::model;
using test::value_of;
using testing::HasSubstr;

class KeyServerTest : public testing::Test {
 protected:
  KeyServerOptions options() const {
    return {.listen = "127.0.0.1:0",
            .keys = folder_.keys.path(),
            .log = folder_.log,
            .tool = "test",
            .rate_per_s = 1000,
            .burst = 1000};
  }
  void start() { start(options()); }
  void start(const KeyServerOptions& options) {
    server_.reset();
    server_ = value_of(KeyServer::start(options));
  }

  KeyQuestion question() const {
    return {.server = {.tls = true, .host = "127.0.0.1", .port = server_->port()},
            .limit = net::Seconds(20),
            .config_sha256 = std::string(64, 'c'),
            .tool = "test"};
  }
  Result<ReleasedKeys> ask(const bundle::Bundle& bundle) {
    test::FakeProducer producer = test::simulated();
    return ask_for_keys(question(), bundle, producer);
  }

  std::unique_ptr<net::Connection> connect() const {
    return value_of(net::Connection::open(
        question().server, {.trust = net::ClientOptions::Trust::kCallerChecks}, net::Seconds(20)));
  }
  static net::Response send(net::Connection& connection, const std::string& method,
                            const std::string& target, const std::string& body = "") {
    std::vector<SharedBytes> bodies;
    if (!body.empty()) bodies.push_back(net::shared_text(body));
    return value_of(connection.exchange({.method = method, .target = target, .fields = {}},
                                        std::move(bodies), net::Seconds(20)));
  }
  static attest::Nonce challenge(net::Connection& connection) {
    const net::Response response = send(connection, "POST", kChallengeTarget);
    EXPECT_EQ(response.status, 200U);
    return value_of(attest::parse_request(test::text_of(response))).nonce;
  }
  // What an honest client would send on this connection.
  std::string request(const net::Connection& connection, const attest::Nonce& nonce) const {
    const std::string statement =
        attest::write_statement({.role = "client",
                                 .mode = "simulated",
                                 .manifest_sha256 = bundle_3().manifest_sha256(),
                                 .config_sha256 = std::string(64, 'c'),
                                 .tool = "test",
                                 .recipient = identity_.recipient().text()});
    const auto data = value_of(attest::report_data(
        attest::Role::kClient, value_of(connection.channel().server_key_sha256()), nonce,
        value_of(connection.channel().exported_key(attest::kExporterLabel, nonce.view())),
        statement));
    const attest::ExchangeReply reply{
        .evidence = {attest::EvidenceKind::kSimulated, attest::simulated_report({}, data), {}},
        .endorsements = {},
        .statement_json = statement,
        .manifest_json = bundle_3().manifest_json(),
        .manifest_signature = bundle_3().manifest_signature(),
        .files = {}};
    return write_key_request({attest::write_reply(reply), bundle_3().manifest().recipients,
                              value_of(bundle_3().headers())});
  }

  KeyFolder folder_{model(), {.accept_simulated = true}};
  age::Identity identity_ = value_of(age::Identity::generate());
  std::unique_ptr<KeyServer> server_;
};

TEST_F(KeyServerTest, ReleasesOverTls) {
  start();
  const ReleasedKeys keys = value_of(ask(bundle_3()));
  EXPECT_EQ(keys.key, "release");
  const Segment opened = value_of(bundle_3().segment("head", keys.identities, keys.headers));
  EXPECT_EQ(opened.model, value_of(bundle_3().segment("head", model().owner())).model);
  // Another ask, another identity.
  const ReleasedKeys again = value_of(ask(bundle_3()));
  EXPECT_NE(again.identities[0].recipient(), keys.identities[0].recipient());
  EXPECT_FALSE(bundle_3().segment("head", again.identities, keys.headers));
}

// What was released is all that cloisterd needs.
TEST_F(KeyServerTest, ATrustedServerStartsWithIt) {
  start();
  ReleasedKeys keys = value_of(ask(bundle_3()));
  const auto parts = [&](bundle::WrappedKeys headers) {
    TrustedServerParts parts;
    parts.config.listen = "127.0.0.1:0";
    parts.tool = "test";
    parts.identities.push_back(value_of(age::Identity::parse(keys.identities[0].text().text())));
    parts.headers = std::move(headers);
    parts.workers = {{.url = {.host = "127.0.0.1", .port = 1}}};
    parts.producer = attest::simulated_attester();
    parts.now_unix_s = test::now_s();
    return parts;
  };
  expect_error(TrustedServer::start(bundle_3(), parts({})), Kind::kRefused, "head.onnx.age");
  EXPECT_TRUE(TrustedServer::start(bundle_3(), parts(keys.headers)));
}

TEST_F(KeyServerTest, ANonceIsGoodOnceAndOnItsConnection) {
  start();
  const auto first = connect();
  const auto second = connect();
  const attest::Nonce nonce = challenge(*first);
  const attest::Nonce other = challenge(*second);
  EXPECT_NE(nonce, other);
  const std::string good = request(*first, nonce);
  // Evidence of the first connection on the second, whatever nonce it names.
  EXPECT_THAT(test::text_of(send(*second, "POST", kReleaseTarget, good)),
              HasSubstr("does not belong to this connection"));
  challenge(*second);
  EXPECT_EQ(send(*second, "POST", kReleaseTarget, request(*second, nonce)).status, 403U);
  // Good once.
  EXPECT_EQ(send(*first, "POST", kReleaseTarget, good).status, 200U);
  const net::Response replayed = send(*first, "POST", kReleaseTarget, good);
  EXPECT_EQ(replayed.status, 409U);
  EXPECT_THAT(test::text_of(replayed), HasSubstr("no valid challenge"));
  // The same after a new challenge on a new connection: other keys are exported there.
  const auto third = connect();
  challenge(*third);
  EXPECT_EQ(send(*third, "POST", kReleaseTarget, good).status, 403U);
}

TEST_F(KeyServerTest, OnlyTheLatestChallengeCounts) {
  start();
  const auto connection = connect();
  const attest::Nonce old = challenge(*connection);
  const attest::Nonce fresh = challenge(*connection);
  EXPECT_EQ(send(*connection, "POST", kReleaseTarget, request(*connection, old)).status, 403U);
  const attest::Nonce newest = challenge(*connection);
  EXPECT_EQ(send(*connection, "POST", kReleaseTarget, request(*connection, fresh)).status, 403U);
  challenge(*connection);
  EXPECT_EQ(send(*connection, "POST", kReleaseTarget, request(*connection, newest)).status, 403U);
  const attest::Nonce last = challenge(*connection);
  EXPECT_EQ(send(*connection, "POST", kReleaseTarget, request(*connection, last)).status, 200U);
}

TEST_F(KeyServerTest, ChallengesExpire) {
  KeyServerOptions short_lived = options();
  short_lived.nonce_lifetime = net::Seconds(0.05);
  start(short_lived);
  const auto connection = connect();
  const std::string good = request(*connection, challenge(*connection));
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  EXPECT_EQ(send(*connection, "POST", kReleaseTarget, good).status, 409U);
}

TEST_F(KeyServerTest, RestartsLoseNothing) {
  start();
  const bundle::Bundle five = model().seal(5);
  ASSERT_TRUE(ask(five));
  const LogHead before = server_->head();
  start();
  EXPECT_EQ(server_->head().seq, before.seq + 1);
  expect_error(ask(bundle_3()), Kind::kRefused, "at version 5, but this bundle has version 3");
  EXPECT_TRUE(ask(five));
  // A second server can't have the same log.
  expect_error(KeyServer::start(options()), Kind::kUnavailable, "in use");
}

TEST_F(KeyServerTest, AnAlteredLogIsNotServedFrom) {
  start();
  ASSERT_TRUE(ask(bundle_3()));
  ASSERT_TRUE(ask(bundle_3()));
  server_.reset();
  std::string text = value_of(read_file(folder_.log));
  text.replace(text.find("\"version\":3"), 11, "\"version\":1");
  ASSERT_TRUE(write_file(folder_.log, text));
  expect_error(KeyServer::start(options()), Kind::kRefused, "line 3: previous:");
}

TEST_F(KeyServerTest, RevocationsAreNotedAtStart) {
  folder_.revoke("a test");
  start();
  expect_error(ask(bundle_3()), Kind::kRefused, "key 'release' is revoked: a test");
  EXPECT_EQ(folder_.events().at(0).event, "revoked");
}

TEST_F(KeyServerTest, TheHeadCanBeAnchored) {
  start();
  ASSERT_TRUE(ask(bundle_3()));
  const auto connection = connect();
  const net::Response response = send(*connection, "GET", kHeadTarget);
  EXPECT_EQ(response.status, 200U);
  EXPECT_EQ(test::text_of(response), head_json(server_->head()));
  EXPECT_EQ(value_of(read_log(value_of(read_file(folder_.log)), nullptr)).head, server_->head());
}

TEST_F(KeyServerTest, ShowsWhatItCounts) {
  KeyServerOptions limited = options();
  limited.rate_per_s = 0.001;
  limited.burst = 3;
  ASSERT_TRUE(
      add_key(folder_.keys.path(), "another", value_of(age::Identity::generate()), folder_.policy));
  ASSERT_TRUE(write_file(folder_.keys / "broken.json", "{"));
  start(limited);
  ASSERT_TRUE(ask(bundle_3()));
  folder_.revoke("a test");
  EXPECT_FALSE(ask(bundle_3()));
  // Names that only a request knows make no series.
  const auto connection = connect();
  challenge(*connection);
  const std::string unread = R"({"key":"made-up"})";
  EXPECT_EQ(send(*connection, "POST", kReleaseTarget, unread).status, 400U);
  expect_error(ask(bundle_3()), Kind::kUnavailable, "status 429");

  // As often as one likes: it takes nothing from those who ask for keys, and no disk.
  const auto metrics = connect();
  net::Response response;
  for (int i = 0; i < 10; ++i) response = send(*metrics, "GET", "/metrics");
  EXPECT_EQ(response.status, 200U);
  EXPECT_THAT(*response.fields.find("Content-Type"),
              testing::StartsWith("text/plain; version=0.0.4"));
  const std::string text = test::text_of(response);
  for (const char* line : {
           "cloister_key_challenges_total{outcome=\"ok\"} 3\n",
           "cloister_key_challenges_total{outcome=\"quota\"} 1\n",
           "cloister_key_requests_total{key=\"release\",outcome=\"released\"} 1\n",
           "cloister_key_requests_total{key=\"release\",outcome=\"refused\"} 1\n",
           "cloister_key_requests_total{key=\"\",outcome=\"refused\"} 1\n",
           "cloister_keys{state=\"usable\"} 1\n",
           "cloister_keys{state=\"revoked\"} 1\n",
           "cloister_keys{state=\"unreadable\"} 1\n",
       }) {
    EXPECT_THAT(text, HasSubstr(line));
  }
  EXPECT_THAT(text, HasSubstr(fmt::format("cloister_release_log_seq {}\n", server_->head().seq)));
  EXPECT_THAT(text, testing::Not(HasSubstr("made-up")));
}

TEST_F(KeyServerTest, ManyAtOnce) {
  start();
  std::vector<std::thread> threads;
  std::atomic<int> released = 0;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int n = 0; n < 5; ++n) {
        const auto keys = ask(bundle_3());
        if (keys && bundle_3().segment("head", keys->identities, keys->headers)) ++released;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(released, 20);
  EXPECT_EQ(folder_.events().size(), 20U);
}

TEST_F(KeyServerTest, AsksAreLimited) {
  KeyServerOptions limited = options();
  limited.rate_per_s = 0.001;
  limited.burst = 2;
  start(limited);
  EXPECT_TRUE(ask(bundle_3()));
  EXPECT_TRUE(ask(bundle_3()));
  expect_error(ask(bundle_3()), Kind::kUnavailable, "status 429");
  EXPECT_EQ(folder_.events().size(), 2U);
}

TEST_F(KeyServerTest, WhatIsRefusedBeforeItIsRead) {
  start();
  const auto status = [&](const std::string& method, const std::string& target,
                          const std::string& body = "") {
    return send(*connect(), method, target, body).status;
  };
  EXPECT_EQ(status("GET", "/"), 404U);
  EXPECT_EQ(status("GET", kChallengeTarget), 405U);
  EXPECT_EQ(status("GET", kReleaseTarget), 405U);
  EXPECT_EQ(status("POST", kHeadTarget), 405U);
  EXPECT_EQ(status("POST", "/metrics"), 405U);
  EXPECT_EQ(status("POST", kChallengeTarget, "x"), 413U);
  EXPECT_EQ(status("POST", kReleaseTarget, "x"), 409U);
  EXPECT_TRUE(folder_.events().empty());
  const auto connection = connect();
  challenge(*connection);
  EXPECT_EQ(send(*connection, "POST", kReleaseTarget, "{}").status, 400U);
  EXPECT_EQ(folder_.events().at(0).event, "refused");
}

TEST_F(KeyServerTest, ServesNothingItCantKeep) {
  KeyServerOptions wrong = options();
  wrong.keys = folder_.keys / "none";
  expect_error(KeyServer::start(wrong), Kind::kIo, "can't list");
  wrong = options();
  wrong.log = folder_.keys.path();
  expect_error(KeyServer::start(wrong), Kind::kIo, "can't open");
  wrong = options();
  wrong.listen = "nowhere";
  expect_error(KeyServer::start(wrong), Kind::kUsage, "nowhere");
}

}  // namespace
}  // namespace cloister::serving
