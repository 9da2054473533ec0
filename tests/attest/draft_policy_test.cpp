#include "attest/draft_policy.h"

#include <gmock/gmock.h>

#include "attest/simulated.h"
#include "tests/attest/exchange_world.h"
#include "tests/attest/tpm_world.h"

namespace cloister::attest::test {
namespace {

// What was shown is accepted by its draft, and by the draft as a file.
void expect_drafted(const ExchangeWorld& world, const ExchangeReply& reply) {
  const Judgement first = judge(reply, {}, world.question, world.tee.roots);
  EXPECT_FALSE(first.trusted);
  const TrustPolicy draft = value_of(draft_policy(reply, first));
  const TrustPolicy read = value_of(parse_trust_policy(policy_json(draft)));
  const Judgement second = judge(reply, read, world.question, world.tee.roots);
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
  world.policy = value_of(draft_policy(reply, judge(reply, {}, world.question, world.tee.roots)));
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

TEST(DraftPolicy, OfIntelsQuotes) {
  for (const bool tdx : {true, false}) {
    ExchangeWorld world;
    DcapWorld intel(tdx, tdx ? 5 : 3);
    std::ranges::copy(world.question.expected.bytes,
                      intel.body.begin() + (tdx ? kTdReportDataAt : kSgxReportDataAt));
    const Case made = intel.make();
    world.tee.roots = made.roots;
    ExchangeReply reply = world.reply();
    reply.evidence = made.evidence;
    reply.endorsements = made.endorsements;
    expect_drafted(world, reply);
  }
}

Result<TrustPolicy> draft_of(const ExchangeWorld& world, const ExchangeReply& reply) {
  return draft_policy(reply, judge(reply, {}, world.question, world.tee.roots));
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
  const auto draft = draft_policy(reply, judge(reply, {}, world.question, world.tee.roots));
  expect_error(draft, Kind::kInvalid, "no policy can accept what was shown");
}

}  // namespace
}  // namespace cloister::attest::test
