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

TEST(DraftPolicy, OfNothing) {
  const ExchangeWorld world;
  ExchangeReply reply = world.reply();
  reply.evidence.report.clear();
  const auto draft = draft_policy(reply, judge(reply, {}, world.question, world.tee.roots));
  expect_error(draft, Kind::kInvalid, "no policy can accept what was shown");
}

}  // namespace
}  // namespace cloister::attest::test
