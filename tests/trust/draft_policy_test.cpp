#include "trust/draft_policy.h"

#include <gmock/gmock.h>

#include "attest/verify/kinds.h"
#include "tests/attest/every_kind.h"
#include "tests/attest/expect.h"
#include "tests/attest/tpm_world.h"
#include "tests/trust/exchange_world.h"

namespace cloister::attest::test {
namespace {

// What was shown is accepted by its draft, and by the draft as a file.
void expect_drafted(const ExchangeWorld& world, const ExchangeReply& reply) {
  const AppraisalResult first = appraise(reply, {}, world.question, world.tee.roots);
  EXPECT_FALSE(first.trusted);
  const TrustPolicy draft = value_of(draft_policy(reply, first));
  const TrustPolicy read = value_of(parse_trust_policy(policy_json(draft)));
  const AppraisalResult second = appraise(reply, read, world.question, world.tee.roots);
  EXPECT_TRUE(second.trusted) << refusal(second).error().message;
}

TEST(DraftPolicy, AcceptsWhatWasShown) {
  const ExchangeWorld world;
  expect_drafted(world, world.reply());
  ExchangeReply without = world.reply();
  remove_blob(without.endorsements.blobs, kAmdCrl);
  expect_drafted(world, without);
}

TEST(DraftPolicy, AcceptsNothingElse) {
  ExchangeWorld world;
  const ExchangeReply reply = world.reply();
  world.policy =
      value_of(draft_policy(reply, appraise(reply, {}, world.question, world.tee.roots)));
  world.signer = value_of(minisign::generate_key());
  EXPECT_TRUE(world.judgement().trusted) << "the bundle is pinned, whoever signed it";
  world.manifest.version = 8;
  world.expect_fails("bundle.pin", "bundle.manifests");
  world.manifest.version = 7;
  world.statement.config_sha256 = std::string(64, 'd');
  world.expect_fails("config.pin", "configs");
  world.statement.config_sha256 = std::string(64, 'c');
  world.snp.report[kMeasurementAt] ^= std::byte{1};
  world.tee = world.snp.make();
  world.expect_fails("snp.measurement", "tee.snp.measurements");
}

TEST(DraftPolicy, OfATpmKeyAndItsRegisters) {
  ExchangeWorld world;
  world.statement.mode = "tpm";
  TpmWorld tpm;
  const Digest binder = sha256(world.question.expected.view());
  tpm.extra_data = {binder};
  ExchangeReply reply = world.reply();
  reply.evidence = tpm.make().evidence;
  reply.endorsements = {};
  expect_drafted(world, reply);
}

Result<TrustPolicy> draft_of(const ExchangeWorld& world, const ExchangeReply& reply) {
  return draft_policy(reply, appraise(reply, {}, world.question, world.tee.roots));
}

TEST(DraftPolicy, OfEveryKind) {
  for (const EvidenceKind kind : kEvidenceKinds) {
    Case c = example_of(kind);
    const Verdict first = c.verify();
    const ExchangeReply reply{.evidence = c.evidence, .endorsements = c.endorsements};
    const TrustPolicy draft =
        value_of(draft_policy(reply, {.kind = kind, .checks = first.checks, .tee = first}));
    for (const EvidenceKind other : kEvidenceKinds) {
      EXPECT_EQ(accepts(draft.tee, other), other == kind) << to_string(kind);
    }
    c.policy = draft.tee;
    expect_trusted(c);
  }
}

// Whose claims would be whatever the host wrote.
TEST(DraftPolicy, OfNothingThatDidNotCheckOut) {
  const ExchangeWorld world;
  for (const std::string_view name : {kVek, kIntermediate}) {
    ExchangeReply reply = world.reply();
    remove_blob(reply.endorsements.blobs, name);
    expect_error(draft_of(world, reply), Kind::kInvalid, "snp.certificates");
  }
  ExchangeReply unsigned_reply = world.reply();
  unsigned_reply.evidence.report[kMeasurementAt] ^= std::byte{1};
  expect_error(draft_of(world, unsigned_reply), Kind::kInvalid, "snp.signature");
  ExchangeWorld another;
  another.question.expected = filler<64>("another connection");
  expect_error(draft_of(another, another.reply()), Kind::kInvalid, "snp.report_data");
  ExchangeWorld revoked;
  revoked.snp.crl.revoked = {revoked.snp.intermediate.serial};
  revoked.tee = revoked.snp.make();
  expect_error(draft_of(revoked, revoked.reply()), Kind::kInvalid, "snp.revocation");
}

// A world of Intel's, for this exchange.
struct IntelWorld : ExchangeWorld {
  DcapWorld intel;
  explicit IntelWorld(bool tdx = true) : intel(tdx, tdx ? 5 : 3) {
    std::ranges::copy(question.expected.bytes,
                      intel.body.begin() + (tdx ? kTdReportDataAt : kSgxReportDataAt));
  }
  ExchangeReply shown() {
    const Case made = intel.make();
    tee.roots = made.roots;
    ExchangeReply out = reply();
    out.evidence = made.evidence;
    out.endorsements = made.endorsements;
    return out;
  }
};

TEST(DraftPolicy, OfIntelsQuotes) {
  for (const bool tdx : {true, false}) {
    IntelWorld world(tdx);
    expect_drafted(world, world.shown());
  }
}

// What was shown, changed, is not accepted: `checks` fail.
void expect_refused(const TrustPolicy& draft, const ExchangeWorld& world,
                    const ExchangeReply& changed, const std::string& checks) {
  const AppraisalResult judged = appraise(changed, draft, world.question, world.tee.roots);
  EXPECT_EQ(failed(judged.tee), checks) << text_of(judged.tee);
}

TEST(DraftPolicy, OfASnpGuestIsNarrow) {
  ExchangeWorld world;
  world.snp = SnpWorld(SnpProduct::kTurin);
  std::ranges::copy(world.question.expected.bytes, world.snp.report.begin() + kReportDataAt);
  set_little(world.snp.report, kPolicyAt, uint64_t{0x2001f});  // no SMT
  // Nothing there is something to hold on to.
  std::fill_n(world.snp.report.begin() + kAuthorKeyAt, 48, std::byte{0});
  world.tee = world.snp.make();
  expect_drafted(world, world.reply());
  const TrustPolicy draft = value_of(draft_of(world, world.reply()));
  EXPECT_EQ(draft.tee.snp->mitigations, 0x3fU);
  const auto report = world.snp.report;
  const auto expect = [&](size_t at, std::byte flip, const std::string& checks) {
    world.snp.report = report;
    world.snp.report[at] ^= flip;
    world.tee = world.snp.make();
    expect_refused(draft, world, world.reply(), checks);
  };
  expect(kPolicyAt + 2, std::byte{1}, "snp.guest_policy");
  expect(kPlatformInfoAt, std::byte{2}, "snp.platform_info");
  expect(kCurrentMitigationsAt, std::byte{1}, "snp.mitigations");
  expect(kHostDataAt, std::byte{1}, "snp.host_data");
  expect(kIdKeyAt, std::byte{1}, "snp.id_key_digest");
  expect(kAuthorKeyAt, std::byte{1}, "snp.author_key_digest");
}

TEST(DraftPolicy, OfACloudsKeyNamesTheCloud) {
  ExchangeWorld world;
  world.snp = SnpWorld(SnpProduct::kMilan, true);
  std::ranges::copy(world.question.expected.bytes, world.snp.report.begin() + kReportDataAt);
  world.tee = world.snp.make();
  expect_drafted(world, world.reply());
  const TrustPolicy draft = value_of(draft_of(world, world.reply()));
  world.snp.extension("5") = der(0x16, as_bytes("CN=another-cloud"));
  world.tee = world.snp.make();
  expect_refused(draft, world, world.reply(), "snp.csp");
}

TEST(DraftPolicy, OfATdIsNarrow) {
  IntelWorld world;
  std::fill_n(world.intel.body.begin() + kMrOwnerAt, 48, std::byte{0});
  const TrustPolicy draft = value_of(draft_of(world, world.shown()));
  const auto body = world.intel.body;
  for (const auto& [at, check] :
       {std::pair(kMrConfigIdAt, "tdx.mr_config_id"), std::pair(kMrOwnerAt, "tdx.mr_owner"),
        std::pair(kMrOwnerConfigAt, "tdx.mr_owner_config"),
        std::pair(kTdAttributesAt + 3, "tdx.attributes")}) {
    world.intel.body = body;
    world.intel.body[at] ^= std::byte{0x40};
    expect_refused(draft, world, world.shown(), check);
  }
}

TEST(DraftPolicy, HoldsRegistersThatAreZero) {
  ExchangeWorld world;
  world.statement.mode = "tpm";
  TpmWorld tpm;
  tpm.extra_data = {sha256(world.question.expected.view())};
  tpm.values[2] = {};
  const auto shown = [&] {
    ExchangeReply reply = world.reply();
    reply.evidence = tpm.make().evidence;
    reply.endorsements = {};
    return reply;
  };
  expect_drafted(world, shown());
  const TrustPolicy draft = value_of(draft_of(world, shown()));
  tpm.values[2] = filler<32>("loaded");
  expect_refused(draft, world, shown(), "tpm.pcrs");
}

// What the defaults refuse and a policy may accept, the draft says.
TEST(DraftPolicy, AcceptsWhatDefaultsDoNot) {
  ExchangeWorld amd;
  amd.snp.report[kPlatformInfoAt] &= ~std::byte{0x20};  // no alias check
  set_little(amd.snp.report, kPolicyAt, uint64_t{0x27001f});
  amd.tee = amd.snp.make();
  expect_drafted(amd, amd.reply());

  IntelWorld td;
  set_little(td.intel.body, kTdAttributesAt, uint64_t{1} << 63 | uint64_t{1} << 30);
  td.intel.tcb_info["tcbLevels"][0]["advisoryIDs"] = {"INTEL-SA-00001"};
  expect_drafted(td, td.shown());
  td.intel.body[kTdAttributesAt + 5] = std::byte{1};
  expect_error(draft_of(td, td.shown()), Kind::kInvalid, "tdx.attributes");

  IntelWorld enclave(false);
  enclave.intel.body[kConfigIdAt] = std::byte{1};
  expect_drafted(enclave, enclave.shown());
}

TEST(DraftPolicy, OfNoQuoteWithoutCollateral) {
  IntelWorld world;
  for (const std::string_view name : {kTcbInfo, kQeIdentity, kPckCrl, kRootCrl}) {
    ExchangeReply reply = world.shown();
    remove_blob(reply.endorsements.blobs, name);
    expect_error(draft_of(world, reply), Kind::kInvalid, "dcap.");
  }
}

TEST(DraftPolicy, AsksForNoOlderCollateralThanTheDefault) {
  const uint64_t least = DcapPolicy().min_tcb_evaluation_data_number;
  for (const uint64_t shown : {least - 1, least + 2}) {
    IntelWorld world;
    world.intel.tcb_info["tcbEvaluationDataNumber"] = shown;
    world.intel.qe_identity["tcbEvaluationDataNumber"] = shown;
    const TrustPolicy draft = value_of(draft_of(world, world.shown()));
    EXPECT_EQ(draft.tee.tdx->platform.min_tcb_evaluation_data_number, std::max(least, shown));
  }
}

TEST(DraftPolicy, OfNothing) {
  const ExchangeWorld world;
  ExchangeReply reply = world.reply();
  reply.evidence.report.clear();
  const auto draft = draft_policy(reply, appraise(reply, {}, world.question, world.tee.roots));
  expect_error(draft, Kind::kInvalid, "no policy can accept this");
}

}  // namespace
}  // namespace cloister::attest::test
