// A whole exchange that is good, and each of its parts broken alone.
#include "trust/appraise.h"

#include <gmock/gmock.h>

#include "tests/trust/exchange_world.h"

namespace cloister::attest::test {
namespace {

using testing::HasSubstr;
using World = ExchangeWorld;

void cut_at(bundle::Manifest& manifest, const std::string& cut) {
  manifest.segments[0].end_cut = cut;
  manifest.segments[1].begin_cut = cut;
}

TEST(Judge, AcceptsWhatIsGood) {
  const World world;
  const AppraisalResult judged = world.judgement();
  EXPECT_TRUE(judged.trusted) << world.text();
  EXPECT_TRUE(refusal(judged));
  EXPECT_EQ(judged.manifest->version, 7U);
  EXPECT_EQ(judged.statement->mode, "tee");
  EXPECT_TRUE(judged.tee.claims.snp.has_value());
  for (const Check& check : judged.checks) EXPECT_NE(check.outcome, Outcome::kFail) << check.id;
}

TEST(Judge, EveryCheckIsListedWhateverHappens) {
  World broken;
  broken.last = [](ExchangeReply& reply) { reply = {}; };
  const auto good = World().judgement().checks;
  const auto bad = broken.judgement();
  EXPECT_FALSE(bad.trusted);
  std::vector<std::string> ids;
  for (const Check& check : good) {
    if (!check.id.starts_with("snp.")) ids.push_back(check.id);
  }
  std::vector<std::string> found;
  for (const Check& check : bad.checks) {
    if (!check.id.starts_with("simulated.")) found.push_back(check.id);
    EXPECT_THAT(check.why, testing::Not(HasSubstr("a bug"))) << check.id;
  }
  EXPECT_EQ(found, ids);
}

TEST(Judge, TheEvidenceMustBeOfThisExchange) {
  World world;
  world.question.expected = filler<64>("another connection");
  world.expect_fails("snp.report_data",
                     "the evidence does not belong to this connection: snp.report_data");
}

TEST(Judge, FieldsOfThePolicyAreNamedFromItsTop) {
  World world;
  world.policy.tee.snp->measurements = {{}};
  world.expect_fails("snp.measurement", "(policy: tee.snp.measurements)");
}

TEST(Judge, LinesOfThePolicyAreNamedWhereItWasRead) {
  World world;
  world.policy.tee.snp->measurements = {{}};
  world.policy.text = "{\"tee\": {\n\"snp\": {\n  \"vmpl\": 0,\n  \"measurements\": []}}}";
  world.expect_fails("snp.measurement", "(policy: tee.snp.measurements, line 4)");
  world.policy.text = "{}";
  world.expect_fails("snp.measurement", "(policy: tee.snp.measurements, not given)");
}

TEST(Judge, SimulatedServersAreRefusedInPlainWords) {
  World world;
  world.last = [](ExchangeReply& reply) {
    reply.evidence = {.kind = EvidenceKind::kSimulated};
    reply.endorsements = {};
  };
  EXPECT_THAT(refusal(world.judgement()).error().message,
              HasSubstr("simulated mode, without a trusted environment"));
}

TEST(Judge, TheStatementIsOfTheRightRoleAndMode) {
  World world;
  world.statement.role = "client";
  world.expect_fails("statement.role", "a client in mode 'tee', want a server in mode 'tee'");
  world.question.role = Role::kClient;
  EXPECT_TRUE(world.judgement().trusted) << world.text();
  world.statement.mode = "tpm";
  world.expect_fails("statement.role", "want a client in mode 'tee'");
  world.last = [](ExchangeReply& reply) { reply.statement_json = "{"; };
  world.expect_fails("statement.form", "statement.form: ");
}

TEST(Judge, ConfigurationsCanBePinned) {
  World world;
  world.policy.configs = {{}};
  world.expect_fails("config.pin", "(policy: configs)");
  Fixed<32> config;
  ASSERT_TRUE(from_string(world.statement.config_sha256, config));
  world.policy.configs.push_back(config);
  EXPECT_TRUE(world.judgement().trusted) << world.text();
}

TEST(Judge, TheBundleIsTheOneThatWasStated) {
  World world;
  world.statement.manifest_sha256 = std::string(64, 'e');
  world.expect_fails("bundle.digest", "bundle.digest: ");
  World other;
  other.policy.bundle.manifests = {{}};
  other.expect_fails("bundle.pin", "(policy: bundle.manifests)");
}

// A bundle of anybody's costs whoever judges it nothing.
TEST(Judge, NothingIsMadeOfABundleThatIsNotTrusted) {
  World pinned;
  pinned.policy.bundle = {.manifests = {{}}};
  pinned.is_signed = false;
  pinned.expect_fails("bundle.pin", "(policy: bundle.manifests)");
  EXPECT_FALSE(pinned.judgement().manifest);
  EXPECT_THAT(pinned.text(), HasSubstr("bundle.manifest:  / not judged: it needs bundle.pin"));
}

TEST(Judge, AnAuditIsNotJudgedForAServerThatIsNotTrusted) {
  World world;
  world.policy.tee.snp->measurements = {{}};
  world.policy.audit.leakage->threshold = 0.2;
  world.expect_fails("snp.measurement", "snp.measurement");
  EXPECT_THAT(world.text(), HasSubstr("audit.verdict:  / not judged: it needs snp.measurement"));
}

TEST(Judge, AnAuditTooLargeToBeJudgedIsRefused) {
  World world;
  world.policy.audit.leakage->resamples = 10'000'000;
  world.expect_fails("audit.verdict", "judging 5 cuts by 600 inputs draws 6.5e+10 numbers");
  world.policy.audit.leakage->resamples = 20'000;
  EXPECT_TRUE(world.judgement().trusted) << world.text();
}

TEST(Judge, TheBundleIsSignedByWhomThePolicyTrusts) {
  World world;
  world.is_signed = false;
  world.expect_fails("bundle.signature", "the bundle is not signed");
  World other;
  other.policy.bundle.signers = {value_of(minisign::generate_key()).public_key};
  other.expect_fails("bundle.signature", "(policy: bundle.signers)");
  other.policy.bundle.signers.push_back(other.signer.public_key);
  EXPECT_TRUE(other.judgement().trusted) << other.text();
  other.policy.bundle.signers.clear();
  other.expect_fails("bundle.signature", "the policy names no signers");
  other.is_signed = false;
  other.policy.bundle.accept_any_signer = true;
  EXPECT_TRUE(other.judgement().trusted) << other.text();
}

TEST(Judge, TheBundleIsNotAnOldOne) {
  World world;
  world.manifest.version = 6;
  world.expect_fails("bundle.version", "bundle.version: 6, want 7 or later");
}

TEST(Judge, FilesAreThoseOfTheManifest) {
  World world;
  world.files["audit.json"] += " ";
  world.expect_fails("bundle.files", "'audit.json' is not the file that the manifest lists");
  World more;
  more.files["labels.txt"] = "cat";
  more.expect_fails("bundle.files", "'labels.txt' is not the file");
}

TEST(Judge, TheCutMustHaveResistedUnderThePolicy) {
  World stricter;
  stricter.policy.audit.leakage->threshold = 0.2;
  stricter.expect_fails("audit.verdict", "(policy: audit.leakage)");
  World more_inputs;
  more_inputs.policy.audit.leakage->n_min = 5000;
  more_inputs.expect_fails("audit.verdict", "5000 inputs or more");
  World attackers;
  attackers.policy.audit.leakage->attackers = {"an attacker of tomorrow"};
  attackers.expect_fails("audit.verdict", "an attacker of tomorrow");
  World worst;
  worst.policy.audit.leakage->statistic = audit::Statistic::kWorst;
  worst.policy.audit.leakage->threshold = 0.25;
  worst.expect_fails("audit.verdict", "want resisted: worst ssim at most 0.25");
  World shallow;
  cut_at(shallow.manifest, "c2aca4d");
  shallow.expect_fails("audit.verdict", "audit.verdict: ");
  cut_at(shallow.manifest, "c999999");
  shallow.expect_fails("audit.verdict", "the audit leaves out cut c999999");
}

TEST(Judge, WhatCrossesIsWhatWasAudited) {
  World other;
  const auto crosses = [&](const TensorSpec& port) {
    other.manifest = sample_manifest();
    other.manifest.segments[0].outputs.push_back(port);
    other.manifest.segments[1].inputs.push_back(port);
  };
  crosses({"skip", DType::kF16, {1, 64}});
  other.expect_fails("audit.verdict", "'skip' crosses to 'body', which the audit of cut c7654ff");
  crosses({"resnetv17_stage1_activation2", DType::kF32, {1, 64}});
  other.expect_fails("audit.verdict", "'resnetv17_stage1_activation2' crosses to 'body'");
  crosses({"quantized", DType::kU8, {1, 64}});
  other.expect_fails("audit.verdict", "'quantized' crosses to 'body'");
  // Dimensions of shapes.
  crosses({"rows", DType::kI64, {2}});
  EXPECT_TRUE(other.judgement().trusted) << other.text();
}

TEST(Judge, TheAuditMustBeShownAndOfTheModel) {
  World none;
  none.files.clear();
  none.expect_fails("audit.record", "the bundle has no audit");
  none.policy.audit = {.accept_unaudited = true};
  EXPECT_TRUE(none.judgement().trusted) << none.text();
  none.policy.audit = {};
  none.expect_fails("audit.verdict", "the policy gives no");
  World other;
  other.manifest.model_sha256 = std::string(64, 'f');
  other.expect_fails("audit.model", "audit.model: ");
}

TEST(Judge, AnAuditThatWasJudgedBeforeNeedNotBeShownAgain) {
  World world;
  world.files.clear();
  world.question.audited_manifest_sha256 =
      to_hex(sha256(as_bytes(bundle::manifest_json(world.manifest))));
  EXPECT_TRUE(world.judgement().trusted) << world.text();
  world.manifest.version = 8;
  world.expect_fails("audit.record", "the bundle has no audit");
}

TEST(Judge, WhereSegmentsRunCounts) {
  World trusted;
  trusted.files.clear();
  trusted.manifest.segments = {
      {segments_between({})[0], trusted.manifest.inputs, trusted.manifest.outputs}};
  std::erase_if(trusted.manifest.entries,
                [](const bundle::Entry& e) { return e.name == "body.onnx"; });
  EXPECT_TRUE(trusted.judgement().trusted) << trusted.text();
}

TEST(Judge, FilesThatAreNeeded) {
  EXPECT_THAT(files_to_judge(World().policy), testing::ElementsAre("audit.json"));
  EXPECT_THAT(files_to_judge({.audit = {.accept_unaudited = true}}), testing::IsEmpty());
}

}  // namespace
}  // namespace cloister::attest::test
