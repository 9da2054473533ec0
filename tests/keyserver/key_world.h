// Bundles of one model, environments that show evidence, and a key server's folder.
#pragma once

#include "attest/produce/simulated.h"
#include "keyserver/key_release.h"
#include "keyserver/key_server.h"
#include "tee/key_client.h"
#include "tests/attest/snp_world.h"
#include "tests/support/net.h"
#include "tests/support/served_model.h"

namespace cloister::test {

// The model "small", sealed as often as a test likes for the same key by the same signer.
class SealedModel {
 public:
  bundle::Bundle seal(uint64_t version, const std::vector<age::Recipient>& recipients,
                      const std::string& name = "small") const {
    const fs::path path = folder_ / fmt::format("{}-{}.cloister", name, ++made_);
    const std::vector<Cut> cuts = {value_of(find_cut(graph_, list_cuts(graph_), "h2"))};
    value_of(bundle::seal(graph_, cuts,
                          {.tool = "test",
                           .created_seconds = 1'700'000'000,
                           .model_name = name,
                           .version = version,
                           .max_batch = 8,
                           .model_sha256 = std::string(64, 'a'),
                           .segments = segments_between({cuts[0].id}),
                           .recipients = recipients,
                           .key = &signer,
                           .plan = "{}\n",
                           .labels = "one\n"},
                          path));
    return value_of(bundle::Bundle::open(path, {signer.public_key}, 0));
  }
  bundle::Bundle seal(uint64_t version) const { return seal(version, {identity.recipient()}); }
  // What opens its bundles without a key server.
  std::vector<age::Identity> owner() const {
    std::vector<age::Identity> one;
    one.push_back(value_of(age::Identity::parse(identity.text().text())));
    return one;
  }

  age::Identity identity = value_of(age::Identity::generate());
  minisign::SecretKey signer = value_of(minisign::generate_key());

 private:
  TempDir folder_;
  Graph graph_ = small_network();
  mutable int made_ = 0;
};

// One for all tests of a program, and its bundle of version 3.
inline const SealedModel& model() {
  static const auto* const kModel = new SealedModel;
  return *kModel;
}
inline const bundle::Bundle& bundle_3() {
  static const auto* const kBundle = new bundle::Bundle(model().seal(3));
  return *kBundle;
}

// An environment that is as a test says.
class FakeProducer final : public attest::Attester {
 public:
  using Make = std::function<Result<attest::AttestedEvidence>(const attest::Fixed<64>&)>;

  FakeProducer(attest::EvidenceKind kind, Make make) : kind_(kind), make_(std::move(make)) {}

  attest::EvidenceKind kind() const override { return kind_; }
  std::string source() const override { return "a test"; }
  Result<attest::AttestedEvidence> produce(const attest::Fixed<64>& data) override {
    return make_(data);
  }

 private:
  attest::EvidenceKind kind_;
  Make make_;
};

inline FakeProducer simulated() {
  return {attest::EvidenceKind::kSimulated, [](const attest::Fixed<64>& data) {
            return attest::simulated_attester()->produce(data);
          }};
}

// A chip of our own maker, whose guest is measured as `world` says.
inline FakeProducer snp(attest::test::SnpWorld& world) {
  return {attest::EvidenceKind::kSnp,
          [&world](const attest::Fixed<64>& data) -> Result<attest::AttestedEvidence> {
            std::ranges::copy(data.bytes, world.report.begin() + attest::test::kReportDataAt);
            const attest::test::Case made = world.make();
            return attest::AttestedEvidence{made.evidence, made.endorsements};
          }};
}

// A key server's folder and log, with one key: that of `model`.
struct KeyFolder {
  KeyFolder(const SealedModel& model, attest::Policy tee) {
    policy = {.tee = std::move(tee),
              .bundle = {.signers = {model.signer.public_key}},
              .audit = {.accept_unaudited = true}};
    EXPECT_TRUE(serving::add_key(keys.path(), "release", model.identity, policy));
  }

  void change(const std::function<void(serving::KeyRecord&)>& edit, const char* name = "release") {
    ASSERT_TRUE(serving::change_key(keys.path(), name, [&](serving::KeyRecord& key) -> Result<> {
      edit(key);
      return {};
    }));
  }
  void revoke(const std::string& why) {
    change([&](serving::KeyRecord& key) { key.revoked = {"2025-01-31T12:00:00Z", why}; });
  }
  // The events of the log, without what the server says of itself.
  std::vector<serving::ReleaseEvent> events() const {
    std::vector<serving::ReleaseEvent> found;
    const std::string text = value_of(read_file(log));
    value_of(serving::read_log(text, [&](const serving::LogLine& line, const serving::LogHead&) {
      if (line.event.event != "started") found.push_back(line.event);
    }));
    return found;
  }

  TempDir keys;
  TempDir logs;
  fs::path log = logs / "release.log";
  attest::TrustPolicy policy;
};

}  // namespace cloister::test
