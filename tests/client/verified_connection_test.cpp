#include "client/verified_connection.h"

#include "tests/support/attested_server.h"

namespace cloister::serving {
namespace {

using attest::ExchangeReply;
using test::AttestedServer;
using test::changed_exchange;
using test::ChangeReply;
using test::expect_error;
using test::honest_exchange;
using test::Sealed;
using test::value_of;

// Bundles take a while to seal.
const Sealed& sealed() {
  static const Sealed made({"h1"}, 3);
  return made;
}

VerifyOptions options() {
  VerifyOptions options = sealed().verify_options();
  options.files = {"labels.txt", "plan.json"};
  options.limit = net::Seconds(20);
  return options;
}

// Whoever shows this is refused.
void expect_refused(const AttestedServer& server, const VerifyOptions& options,
                    const std::string& part) {
  expect_error(VerifiedConnection::open(server.url(), options), Kind::kRefused, part);
}

void expect_reply_refused(ChangeReply before, ChangeReply after, const std::string& part) {
  expect_refused(AttestedServer(changed_exchange(sealed(), std::move(before), std::move(after))),
                 options(), part);
}

void change_statement(ExchangeReply& reply, const std::function<void(attest::Statement&)>& change) {
  attest::Statement statement = value_of(attest::parse_statement(reply.statement_json));
  change(statement);
  reply.statement_json = attest::write_statement(statement);
}

// Another manifest, with a statement that names it.
void change_manifest(ExchangeReply& reply, const std::string& json) {
  reply.manifest_json = json;
  change_statement(reply, [&](attest::Statement& statement) {
    statement.manifest_sha256 = to_hex(sha256(as_bytes(json)));
  });
}

TEST(VerifiedConnection, KnowsWhatWasVerified) {
  const AttestedServer server(honest_exchange(sealed()));
  const auto connection = value_of(VerifiedConnection::open(server.url(), options()));
  const ServerFacts& facts = connection->facts();
  EXPECT_EQ(facts.environment->kind, attest::EvidenceKind::kSimulated);
  EXPECT_EQ(facts.statement.mode, "simulated");
  EXPECT_EQ(facts.statement.config_sha256, std::string(64, 'c'));
  EXPECT_EQ(facts.statement.manifest_sha256, sealed().open().manifest_sha256());
  EXPECT_EQ(facts.manifest.model_name, "small");
  EXPECT_EQ(facts.manifest.version, 3U);
  EXPECT_TRUE(facts.signature_checked);
  EXPECT_EQ(facts.files.at("labels.txt"), "one\ntwo\nthree\n");
  EXPECT_TRUE(connection->is_open());
  const auto answer = value_of(connection->exchange({.target = "/x"}, {}, net::Seconds(20)));
  EXPECT_EQ(test::text_of(answer), "an answer");
}

TEST(VerifiedConnection, NeedsTls) {
  expect_error(VerifiedConnection::open({.host = "127.0.0.1", .port = 1}, options()), Kind::kUsage,
               "want https");
}

TEST(VerifiedConnection, NobodyInTheMiddleIsAccepted) {
  const net::TlsIdentity stolen = AttestedServer::identity();
  const AttestedServer real(honest_exchange(sealed()), stolen);
  ASSERT_TRUE(VerifiedConnection::open(real.url(), options()));
  // With a key of its own ...
  expect_refused(AttestedServer(test::relayed_exchange(real.url())), options(),
                 "the evidence does not belong to this connection");
  // ... and even with the server's: the connection is another one.
  expect_refused(AttestedServer(test::relayed_exchange(real.url()), stolen), options(),
                 "the evidence does not belong to this connection");
}

TEST(VerifiedConnection, OlderEvidenceIsNotAccepted) {
  std::optional<net::Response> first;
  const AttestedServer server([&, honest = honest_exchange(sealed())](const net::Request& request) {
    if (!first) first = honest(request);
    return *first;
  });
  ASSERT_TRUE(VerifiedConnection::open(server.url(), options()));
  expect_refused(server, options(), "the evidence does not belong to this connection");
}

TEST(VerifiedConnection, SimulatedServersAreRefusedUnlessAllowed) {
  const AttestedServer server(honest_exchange(sealed()));
  VerifyOptions strict = options();
  strict.policy.tee.accept_simulated = false;
  expect_refused(server, strict, "simulated mode");
  expect_refused(server, VerifyOptions{.client = strict.client}, "simulated mode");
}

TEST(VerifiedConnection, EvidenceMustVouchForTheStatement) {
  expect_reply_refused(
      nullptr,
      [](ExchangeReply& reply) {
        change_statement(reply, [](attest::Statement& statement) {
          statement.config_sha256 = std::string(64, 'd');
        });
      },
      "the evidence does not belong to this connection");
  expect_reply_refused(
      nullptr, [](ExchangeReply& reply) { reply.evidence.report.pop_back(); }, "simulated.report");
  expect_reply_refused(
      nullptr, [](ExchangeReply& reply) { reply.evidence.report.clear(); }, "report: 0 bytes");
  expect_reply_refused(
      nullptr, [](ExchangeReply& reply) { reply.evidence.kind = attest::EvidenceKind::kSnp; },
      "snp");
}

TEST(VerifiedConnection, TheStatementMustBeAServersInItsMode) {
  expect_reply_refused(
      [](ExchangeReply& reply) {
        change_statement(reply, [](attest::Statement& statement) { statement.role = "client"; });
      },
      nullptr, "a client in mode 'simulated', want a server");
  expect_reply_refused(
      [](ExchangeReply& reply) {
        change_statement(reply, [](attest::Statement& statement) { statement.mode = "tee"; });
      },
      nullptr, "a server in mode 'tee', want a server in mode 'simulated'");
}

TEST(VerifiedConnection, TheManifestMustBeTheOneThatWasVouchedFor) {
  expect_reply_refused(
      nullptr, [](ExchangeReply& reply) { reply.manifest_json += "\n"; }, "bundle.digest: ");
}

TEST(VerifiedConnection, TheManifestMustBeSigned) {
  expect_reply_refused(
      [](ExchangeReply& reply) { change_manifest(reply, reply.manifest_json + " "); }, nullptr,
      "sign");
  expect_reply_refused([](ExchangeReply& reply) { reply.manifest_signature.clear(); }, nullptr,
                       "the bundle is not signed");
  expect_reply_refused([](ExchangeReply& reply) { reply.manifest_signature = "garbage"; }, nullptr,
                       "");
  const Sealed other({"h1"}, 3);
  expect_refused(AttestedServer(honest_exchange(other)), options(), "sign");
  VerifyOptions any = options();
  any.policy.bundle = {.accept_any_signer = true};
  const AttestedServer server(honest_exchange(other));
  EXPECT_FALSE(value_of(VerifiedConnection::open(server.url(), any))->facts().signature_checked);
}

TEST(VerifiedConnection, TheBundleMustBeNewEnoughAndTheRightOne) {
  const AttestedServer server(honest_exchange(sealed()));
  VerifyOptions newer = options();
  newer.policy.bundle.min_version = 4;
  expect_refused(server, newer, "bundle.version: 3, want 4 or later (policy: bundle.min_version)");
  VerifyOptions exact = options();
  exact.policy.bundle.manifests = {{}};
  expect_refused(server, exact, "want " + std::string(64, '0'));
  exact.policy.bundle.manifests = {{sha256(as_bytes(sealed().open().manifest_json()))}};
  EXPECT_TRUE(VerifiedConnection::open(server.url(), exact));
}

TEST(VerifiedConnection, FilesMustBeThoseOfTheManifest) {
  expect_reply_refused([](ExchangeReply& reply) { reply.files["labels.txt"] += "four\n"; }, nullptr,
                       "'labels.txt' is not the file that the manifest lists");
  expect_reply_refused([](ExchangeReply& reply) { reply.files["more.txt"] = "x"; }, nullptr,
                       "'more.txt' is not the file that the manifest lists");
}

TEST(VerifiedConnection, WhateverElseComesIsNoEvidence) {
  const auto says = [](unsigned status, const std::string& text) {
    return [=](const net::Request&) { return net::text_response(status, "text/plain", text); };
  };
  expect_refused(AttestedServer(says(404, R"({"error":"what?"})")), options(),
                 "no evidence: status 404, what?");
  expect_refused(AttestedServer(says(302, "")), options(), "no evidence: status 302");
  for (const char* text : {"", "{}", "<html>", "[[[["}) {
    expect_refused(AttestedServer(says(200, text)), options(), "evidence");
  }
}

TEST(VerifiedConnection, AServerThatIsTooBusyMayBeAskedAgain) {
  const auto busy = std::shared_ptr(
      test::evidence_of(sealed(), attest::simulated_attester(), {.per_second = 1e-9, .burst = 1}));
  const AttestedServer server(
      [busy](const net::Request& request) { return test::answer_of(*busy, request); });
  EXPECT_TRUE(VerifiedConnection::open(server.url(), options()));
  expect_error(VerifiedConnection::open(server.url(), options()), Kind::kUnavailable,
               "no evidence: status 503, no evidence at");
}

}  // namespace
}  // namespace cloister::serving
