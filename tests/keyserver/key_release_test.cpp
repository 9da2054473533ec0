#include "keyserver/key_release.h"

#include <sys/inotify.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>

#include "tests/attest/tpm_world.h"
#include "tests/keyserver/key_world.h"
#include "tests/support/age_text.h"

namespace cloister::serving {
namespace {

using test::bundle_3;
using test::expect_error;
using test::KeyFolder;
using test::model;
using test::value_of;
using testing::ElementsAre;
using testing::HasSubstr;

// What a client sends, made anew for each request; a test changes parts of it.
struct Asker {
  explicit Asker(const bundle::Bundle& asked_for) : bundle(asked_for) {
    connection.nonce.bytes.fill(std::byte{1});
    connection.exported.fill(std::byte{2});
    connection.server_key.fill(std::byte{3});
    connection.peer = "192.0.2.1:4242";
    statement = {.role = "client",
                 .mode = "simulated",
                 .manifest_sha256 = bundle.manifest_sha256(),
                 .config_sha256 = std::string(64, 'c'),
                 .tool = "test",
                 .recipient = identities[0].recipient().text()};
  }

  KeyRequest request() {
    attest::ExchangeReply reply{.evidence = {},
                                .endorsements = {},
                                .statement_json = attest::write_statement(statement),
                                .manifest_json = bundle.manifest_json(),
                                .manifest_signature = bundle.manifest_signature(),
                                .files = {}};
    const auto shown = value_of(
        producer.produce(value_of(attest::report_data(role, connection.server_key, connection.nonce,
                                                      connection.exported, reply.statement_json))));
    reply.evidence = shown.evidence;
    reply.endorsements = shown.endorsements;
    return {attest::write_reply(reply), bundle.manifest().recipients, value_of(bundle.headers())};
  }
  std::string json() { return write_key_request(request()); }

  const bundle::Bundle& bundle;
  test::FakeProducer producer = test::simulated();
  std::vector<age::Identity> identities = [] {
    std::vector<age::Identity> made;
    made.push_back(value_of(age::Identity::generate()));
    return made;
  }();
  attest::Statement statement;
  attest::Role role = attest::Role::kClient;
  KeyConnection connection;
};

class KeyReleaseTest : public testing::Test {
 protected:
  static Time now() { return attest::test::test_time(); }

  Result<KeyReply> ask(Asker& asker) { return release_.release(asker.json(), asker.connection); }
  std::string refused(Asker& asker) {
    const auto reply = ask(asker);
    if (reply) return "released";
    EXPECT_EQ(reply.error().kind, Kind::kRefused) << reply.error().message;
    const auto events = folder_.events();
    EXPECT_EQ(events.back().event, "refused");
    EXPECT_EQ(events.back().why, reply.error().message);
    return reply.error().message;
  }

  KeyFolder folder_{model(), {.accept_simulated = true}};
  std::unique_ptr<ReleaseLog> log_ = value_of(ReleaseLog::open(folder_.log, now));
  KeyMetrics metrics_;
  KeyRelease release_{folder_.keys.path(), *log_, metrics_, now, attest::vendor_roots()};
};

TEST_F(KeyReleaseTest, ReleasesToWhomThePolicyAccepts) {
  Asker asker(bundle_3());
  const KeyReply reply = value_of(ask(asker));
  EXPECT_EQ(reply.key, "release");
  ASSERT_EQ(reply.headers.size(), 2U);
  // They open the bundle with that identity, and with no other.
  EXPECT_TRUE(bundle_3().segment("head", asker.identities, reply.headers));
  Asker other(bundle_3());
  EXPECT_FALSE(bundle_3().segment("head", other.identities, reply.headers));
  EXPECT_FALSE(bundle_3().segment("head", model().owner(), reply.headers));

  const auto events = folder_.events();
  ASSERT_EQ(events.size(), 1U);
  const ReleaseEvent& event = events[0];
  EXPECT_EQ(event.event, "released");
  EXPECT_EQ(event.key, "release");
  EXPECT_EQ(event.key_recipient, model().identity.recipient().text());
  EXPECT_EQ(event.policy_sha256, to_hex(sha256(as_bytes(attest::policy_json(folder_.policy)))));
  EXPECT_EQ(event.model, "small");
  EXPECT_EQ(event.version, 3U);
  EXPECT_EQ(event.manifest_sha256, bundle_3().manifest_sha256());
  EXPECT_EQ(event.config_sha256, std::string(64, 'c'));
  EXPECT_EQ(event.kind, "simulated");
  EXPECT_THAT(event.environment, ElementsAre("measurement=" + std::string(96, '0')));
  EXPECT_EQ(event.recipient, asker.statement.recipient);
  EXPECT_EQ(event.peer, "192.0.2.1:4242");
  EXPECT_EQ(event.why, "");
  // No secret is in the log.
  EXPECT_THAT(value_of(read_file(folder_.log)), testing::Not(HasSubstr("SECRET")));
}

TEST_F(KeyReleaseTest, EvidenceIsOfThisConnection) {
  for (const auto& change : std::vector<std::function<void(KeyConnection&)>>{
           [](KeyConnection& c) { c.nonce.bytes[31] ^= std::byte{1}; },
           [](KeyConnection& c) { c.exported[0] ^= std::byte{1}; },
           [](KeyConnection& c) { c.server_key[5] ^= std::byte{1}; }}) {
    Asker asker(bundle_3());
    const std::string json = asker.json();
    change(asker.connection);
    expect_error(release_.release(json, asker.connection), Kind::kRefused,
                 "the evidence does not belong to this connection");
  }
  // A server's evidence, relayed by whoever asked it for some.
  Asker asker(bundle_3());
  asker.role = attest::Role::kServer;
  EXPECT_THAT(refused(asker), HasSubstr("does not belong to this connection"));
}

TEST_F(KeyReleaseTest, TheStatementIsAClients) {
  Asker server(bundle_3());
  server.statement.role = "server";
  EXPECT_THAT(refused(server), HasSubstr("statement.role"));
  Asker mode(bundle_3());
  mode.statement.mode = "tee";
  EXPECT_THAT(refused(mode), HasSubstr("statement.role"));
  Asker manifest(bundle_3());
  manifest.statement.manifest_sha256 = std::string(64, '0');
  EXPECT_THAT(refused(manifest), HasSubstr("bundle.digest"));
}

TEST_F(KeyReleaseTest, ARecipientIsNamed) {
  Asker none(bundle_3());
  none.statement.recipient.clear();
  EXPECT_FALSE(ask(none));
  Asker wrong(bundle_3());
  wrong.statement.recipient = "age1nobody";
  expect_error(ask(wrong), Kind::kInvalid, "recipient 'age1nobody'");
  EXPECT_EQ(folder_.events().size(), 2U);
}

TEST_F(KeyReleaseTest, NoOlderBundleAfterANewerOne) {
  const bundle::Bundle two = model().seal(2);
  const bundle::Bundle four = model().seal(4);
  Asker old(two);
  Asker middle(bundle_3());
  Asker fresh(four);
  EXPECT_TRUE(ask(old));
  EXPECT_TRUE(ask(fresh));
  EXPECT_TRUE(ask(fresh));
  EXPECT_THAT(refused(middle), HasSubstr("at version 4, but this bundle has version 3"));
  // Another model has versions of its own.
  const bundle::Bundle other = model().seal(1, {model().identity.recipient()}, "another");
  Asker another(other);
  EXPECT_TRUE(ask(another));
  // The log is the state.
  log_.reset();
  const auto log = value_of(ReleaseLog::open(folder_.log, now));
  KeyRelease again(folder_.keys.path(), *log, metrics_, now, attest::vendor_roots());
  expect_error(again.release(old.json(), old.connection), Kind::kRefused, "at version 4");
  EXPECT_TRUE(again.release(fresh.json(), fresh.connection));
}

TEST_F(KeyReleaseTest, RevokedKeys) {
  Asker asker(bundle_3());
  EXPECT_TRUE(ask(asker));
  folder_.revoke("the image leaks");
  EXPECT_THAT(refused(asker), HasSubstr("key 'release' is revoked: the image leaks"));
  folder_.change([](KeyRecord& key) { key.revoked.reset(); });
  EXPECT_TRUE(ask(asker));
  std::vector<std::string> events;
  for (const auto& event : folder_.events()) events.push_back(event.event);
  EXPECT_THAT(events, ElementsAre("released", "revoked", "refused", "restored", "released"));
  // Noted once, also by those who come after.
  ASSERT_TRUE(release_.note_revocations());
  EXPECT_EQ(folder_.events().size(), 5U);
}

// A key that can't be read keeps neither a revocation from the log nor others from their keys.
TEST_F(KeyReleaseTest, AnUnreadableRecordStopsNoOther) {
  ASSERT_TRUE(write_file(folder_.keys / "a.json", "{"));
  Asker asker(bundle_3());
  EXPECT_TRUE(ask(asker));
  folder_.revoke("old");
  EXPECT_THAT(refused(asker), HasSubstr("is revoked: old"));
  EXPECT_EQ(folder_.events().size(), 3U);
}

TEST_F(KeyReleaseTest, ReadsEachKeyOnceForARequest) {
  Asker asker(bundle_3());
  const std::string json = asker.json();
  const test::RawSocket watch(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  ASSERT_GE(::inotify_add_watch(watch.get(), folder_.keys.path().c_str(), IN_OPEN), 0);
  ASSERT_TRUE(release_.release(json, asker.connection));
  alignas(inotify_event) char events[4096];
  const ssize_t size = ::read(watch.get(), events, sizeof(events));
  int reads = 0;
  for (ssize_t at = 0; at < size;) {
    const auto* const event = reinterpret_cast<const inotify_event*>(events + at);
    if (event->len > 0 && std::string_view(event->name) == "release.json") ++reads;
    at += static_cast<ssize_t>(sizeof(inotify_event) + event->len);
  }
  EXPECT_EQ(reads, 1);
}

TEST_F(KeyReleaseTest, PoliciesCountAtOnce) {
  Asker asker(bundle_3());
  EXPECT_TRUE(ask(asker));
  folder_.change([](KeyRecord& key) { key.policy.bundle.min_version = 4; });
  EXPECT_THAT(refused(asker), HasSubstr("bundle.version"));
  folder_.change([](KeyRecord& key) { key.policy.bundle.min_version = 0; });
  attest::Fixed<32> config;
  config.bytes.fill(std::byte{0xcd});
  folder_.change([&](KeyRecord& key) { key.policy.configs = {config}; });
  EXPECT_THAT(refused(asker), HasSubstr("config.pin"));
  asker.statement.config_sha256 = attest::to_string(config);
  EXPECT_TRUE(ask(asker));
  folder_.change([](KeyRecord& key) {
    key.policy.bundle.signers = {value_of(minisign::generate_key()).public_key};
  });
  EXPECT_THAT(refused(asker), HasSubstr("bundle.signature"));
}

TEST_F(KeyReleaseTest, SimulatedEvidenceIsForPoliciesThatSaySo) {
  folder_.change([](KeyRecord& key) {
    key.policy.tee = {};
    key.policy.tee.tpm = attest::TpmPolicy{.ak_names = {attest::Fixed<34>{}},
                                           .pcrs = {{.index = 0, .values = {attest::Fixed<32>{}}}}};
  });
  Asker asker(bundle_3());
  EXPECT_THAT(refused(asker), HasSubstr("simulated evidence proves nothing"));
}

TEST_F(KeyReleaseTest, KeysAreThoseOfTheSignedManifest) {
  const age::Identity other = value_of(age::Identity::generate());
  const bundle::Bundle foreign = model().seal(3, {other.recipient()});
  Asker asker(foreign);
  EXPECT_THAT(refused(asker), HasSubstr("any of the bundle's 1 recipients"));
  // The request says otherwise than the manifest.
  KeyRequest request = asker.request();
  request.recipients = {model().identity.recipient().text()};
  request.headers = value_of(bundle_3().headers());
  expect_error(release_.release(write_key_request(request), asker.connection), Kind::kRefused,
               "the bundle is not encrypted to key 'release'");
  // Where a key was revoked, its successor opens bundles that are for both.
  ASSERT_TRUE(add_key(folder_.keys.path(), "successor", other, folder_.policy));
  folder_.revoke("old");
  const bundle::Bundle both = model().seal(3, {model().identity.recipient(), other.recipient()});
  Asker newer(both);
  EXPECT_EQ(value_of(ask(newer)).key, "successor");
}

// Otherwise revoking a key would lower the version below which nothing is released.
TEST_F(KeyReleaseTest, VersionsAreThoseOfAllKeysOfABundle) {
  const age::Identity other = value_of(age::Identity::generate());
  ASSERT_TRUE(add_key(folder_.keys.path(), "successor", other, folder_.policy));
  const std::vector recipients = {model().identity.recipient(), other.recipient()};
  const bundle::Bundle four = model().seal(4, recipients);
  const bundle::Bundle five = model().seal(5, recipients);
  Asker newer(five);
  EXPECT_EQ(value_of(ask(newer)).key, "release");
  folder_.revoke("old");
  Asker older(four);
  EXPECT_THAT(refused(older), HasSubstr("at version 5, but this bundle has version 4"));
}

TEST_F(KeyReleaseTest, AnIdentityIsRevokedUnderAllItsNames) {
  std::string record = value_of(read_file(folder_.keys / "release.json"));
  const std::string name = "\"name\": \"release\"";
  ASSERT_NE(record.find(name), std::string::npos);
  record.replace(record.find(name), name.size(), "\"name\": \"twin\"");
  ASSERT_TRUE(write_file(folder_.keys / "twin.json", record));
  Asker asker(bundle_3());
  EXPECT_TRUE(ask(asker));
  folder_.revoke("the image leaks");
  EXPECT_THAT(refused(asker), HasSubstr("key 'release' is revoked"));
}

TEST_F(KeyReleaseTest, HeadersAreOfTheBundlesEncryptedEntries) {
  Asker asker(bundle_3());
  const auto with = [&](const std::function<void(bundle::WrappedKeys&)>& change) {
    KeyRequest request = asker.request();
    change(request.headers);
    return release_.release(write_key_request(request), asker.connection);
  };
  expect_error(with([](auto& headers) { headers.clear(); }), Kind::kInvalid, "no headers");
  for (const std::string name : {"tail.onnx.age", "body.onnx", "plan.json", "x", "manifest.json"}) {
    expect_error(with([&](auto& headers) { headers[name] = headers["head.onnx.age"]; }),
                 Kind::kRefused, "no encrypted entry '" + name + "'");
  }
  const std::string foreign =
      value_of(age::encrypt_text("x", {value_of(age::Identity::generate()).recipient()}));
  expect_error(with([&](auto& headers) {
                 headers["head.onnx.age"] =
                     foreign.substr(0, foreign.find('\n', foreign.find("\n---") + 1) + 1);
               }),
               Kind::kRefused,
               "entry 'head.onnx.age': no recipient of this file has the given key");
  expect_error(with([](auto& headers) { headers["head.onnx.age"] += "x"; }), Kind::kInvalid,
               "1 bytes after it");
  // One of them is enough for who needs no more.
  EXPECT_TRUE(with([](auto& headers) { headers.erase("head.data.age"); }));
  for (const ReleaseEvent& event : folder_.events()) {
    EXPECT_EQ(event.event == "refused", !event.why.empty());
  }
}

// Not one changed byte of a request is ever taken for the request, but where JSON says the same.
TEST_F(KeyReleaseTest, MutationsNeverRelease) {
  Asker asker(bundle_3());
  const std::string good = asker.json();
  size_t released = 0;
  for (size_t i = 0; i < good.size(); i += 7) {
    std::string bad = good;
    bad[i] = static_cast<char>(bad[i] ^ 1 << (i % 7));
    const auto reply = release_.release(bad, asker.connection);
    if (!reply) continue;
    // White space that became other white space, or a letter of what is neither signed nor used.
    ++released;
    EXPECT_TRUE(bundle_3().segment("head", asker.identities, reply->headers)) << i;
  }
  EXPECT_LT(released, 40U);
  for (size_t size = 0; size < good.size(); size += 97) {
    EXPECT_FALSE(release_.release(good.substr(0, size), asker.connection)) << size;
  }
}

// Trouble of the server's own is no refusal: who asks may ask again.
TEST_F(KeyReleaseTest, WhatTheServerCantDoIsNotRefused) {
  Asker asker(bundle_3());
  ASSERT_EQ(::chmod((folder_.keys / "release.key").c_str(), 0644), 0);
  const auto open_key = ask(asker);
  expect_error(open_key, Kind::kUnavailable, "can't decide at the moment");
  EXPECT_THAT(open_key.error().message, testing::Not(HasSubstr("release.key")));
  ASSERT_TRUE(write_file(folder_.keys / "release.json", "{"));
  expect_error(ask(asker), Kind::kUnavailable, "can't decide at the moment");
  fs::remove_all(folder_.keys.path());
  expect_error(ask(asker), Kind::kUnavailable, "can't decide at the moment");
  EXPECT_TRUE(folder_.events().empty());
}

// A disk that is full.
TEST_F(KeyReleaseTest, WhatIsNotLoggedIsNotReleased) {
  Asker asker(bundle_3());
  ASSERT_TRUE(ask(asker));
  const auto before = log_->head();
  rlimit old{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &old), 0);
  const rlimit full{fs::file_size(folder_.log) + 100, old.rlim_max};
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &full), 0);
  const auto reply = ask(asker);
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &old), 0);
  std::signal(SIGXFSZ, handler);
  expect_error(reply, Kind::kUnavailable, "can't decide at the moment");
  EXPECT_EQ(log_->head(), before);
  EXPECT_EQ(folder_.events().size(), 1U);
  EXPECT_TRUE(ask(asker));
  EXPECT_EQ(folder_.events().size(), 2U);
}

TEST_F(KeyReleaseTest, ChallengesNameTheFilesThatPoliciesNeed) {
  attest::Nonce nonce;
  nonce.bytes.fill(std::byte{9});
  EXPECT_TRUE(value_of(release_.challenge(nonce)).files.empty());
  folder_.change([](KeyRecord& key) {
    key.policy.audit = {.leakage = audit::default_policy(audit::Metric::kSsim),
                        .accept_unaudited = false};
  });
  const auto asked = value_of(release_.challenge(nonce));
  EXPECT_THAT(asked.files, ElementsAre("audit.json"));
  EXPECT_EQ(asked.nonce, nonce);
  Asker asker(bundle_3());
  EXPECT_THAT(refused(asker), HasSubstr("audit."));
}

// The same under evidence that is checked in earnest.
class SnpKeyRelease : public testing::Test {
 protected:
  static Time now() { return attest::test::test_time(); }

  Result<KeyReply> ask(attest::test::SnpWorld& chip) {
    Asker asker(bundle_3());
    asker.statement.mode = "tee";
    asker.producer = test::snp(chip);
    auto reply = release_.release(asker.json(), asker.connection);
    if (reply) EXPECT_TRUE(bundle_3().segment("head", asker.identities, reply->headers));
    return reply;
  }

  attest::test::SnpWorld world_;
  attest::Roots roots_ = world_.make().roots;
  KeyFolder folder_{model(), world_.make().policy};
  std::unique_ptr<ReleaseLog> log_ = value_of(ReleaseLog::open(folder_.log, now));
  KeyMetrics metrics_;
  KeyRelease release_{folder_.keys.path(), *log_, metrics_, now, roots_};
};

TEST_F(SnpKeyRelease, ReleasesToTheMeasuredImage) {
  ASSERT_TRUE(ask(world_));
  const ReleaseEvent event = folder_.events().at(0);
  EXPECT_EQ(event.kind, "snp");
  ASSERT_EQ(event.environment.size(), 2U);
  EXPECT_THAT(event.environment[0], testing::StartsWith("measurement="));
  EXPECT_THAT(event.environment[1], testing::StartsWith("chip_id="));
}

TEST_F(SnpKeyRelease, RefusesOtherImagesChipsAndMakers) {
  attest::test::SnpWorld image;
  image.report[attest::test::kMeasurementAt] ^= std::byte{1};
  expect_error(ask(image), Kind::kRefused, "snp.measurement");
  attest::test::SnpWorld debug;
  debug.report[attest::test::kPolicyAt + 2] |= std::byte{8};
  expect_error(ask(debug), Kind::kRefused, "snp.debug");
  attest::test::SnpWorld old;
  old.set_microcode(attest::test::kReportedTcbAt, 1);
  EXPECT_FALSE(ask(old));
  // Evidence that is simulated, to a policy that wants a TEE.
  Asker asker(bundle_3());
  expect_error(release_.release(asker.json(), asker.connection), Kind::kRefused,
               "simulated evidence proves nothing");
  // AMD did not make this chip.
  KeyRelease strict(folder_.keys.path(), *log_, metrics_, now, attest::vendor_roots());
  Asker fake(bundle_3());
  fake.statement.mode = "tee";
  fake.producer = test::snp(world_);
  expect_error(strict.release(fake.json(), fake.connection), Kind::kRefused, "snp.chain");
  EXPECT_EQ(folder_.events().size(), 5U);
}

// Measured boot is not secrecy: a TPM's word is taken only by policies with a section for it.
TEST_F(SnpKeyRelease, RefusesATpmAlone) {
  Asker asker(bundle_3());
  asker.statement.mode = "tpm";
  asker.producer = {attest::EvidenceKind::kTpm,
                    [](const attest::Fixed<64>&) -> Result<attest::AttestedEvidence> {
                      const attest::test::Case made = attest::test::TpmWorld().make();
                      return attest::AttestedEvidence{made.evidence, made.endorsements};
                    }};
  expect_error(release_.release(asker.json(), asker.connection), Kind::kRefused, "policy.kind");
  EXPECT_EQ(folder_.events().at(0).kind, "tpm");
}

}  // namespace
}  // namespace cloister::serving
