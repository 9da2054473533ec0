// A whole exchange that is good, and each of its parts broken alone.
#include "attest/judge.h"

#include <gmock/gmock.h>

#include "bundle/minisign_secret.h"
#include "tests/attest/snp_world.h"
#include "tests/support/result.h"
#include "tests/support/sample_audit.h"

namespace cloister::attest::test {
namespace {

using cloister::test::expect_error;
using cloister::test::sample_pictures;
using cloister::test::value_of;
using testing::HasSubstr;

const std::string& audit_json() {
  static const std::string json = audit::record_json(sample_pictures());
  return json;
}

bundle::Entry entry(const std::string& name, const std::string& content) {
  bundle::Entry entry{.name = name,
                      .bytes = content.size(),
                      .sha256 = to_hex(sha256(as_bytes(content)))};
  if (!name.ends_with(".age")) return entry;
  entry.plain_bytes = 1;
  entry.plain_sha256 = std::string(64, 'd');
  return entry;
}

// Of the deepest cut of sample_pictures(), which resisted.
bundle::Manifest sample_manifest() {
  bundle::Manifest m;
  m.tool = "cloister 0.1.0";
  m.created = "2026-05-31T12:00:00Z";
  m.model_name = "resnet50";
  m.version = 7;
  m.model_sha256 = sample_pictures().model.sha256;
  m.plan_sha256 = to_hex(sha256(as_bytes("{}")));
  m.audit_sha256 = to_hex(sha256(as_bytes(audit_json())));
  m.cut = "c7654ff";
  const bundle::Port x{"x", DType::kF32, {1, 3, 64, 64}};
  const bundle::Port h{"h", DType::kF32, {1, 64}};
  const bundle::Port y{"y", DType::kF32, {1, 10}};
  m.inputs = {x};
  m.outputs = {y};
  m.segments = {{"head", bundle::Placement::kTrusted, {x}, {h}},
                {"body", bundle::Placement::kUntrusted, {h}, {y}}};
  m.recipients = {"age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj"};
  m.entries = {entry("plan.json", "{}"), entry("head.onnx.age", std::string(1000, 'h')), entry("body.onnx", "b"),
               entry("audit.json", audit_json())};
  return m;
}

// Everything that is shown and asked for; each part may be changed before judgement() is made.
struct World {
  SnpWorld snp;
  Statement statement{.mode = "tee", .config_sha256 = std::string(64, 'c'), .tool = "t"};
  bundle::Manifest manifest = sample_manifest();
  std::string manifest_json;  // empty: of `manifest`
  minisign::SecretKey signer = value_of(minisign::generate_key());
  bool is_signed = true;
  std::map<std::string, std::string> files = {{"audit.json", audit_json()}};
  Case tee;  // its policy and roots
  TrustPolicy policy;
  JudgeQuestion question{.expected = filler<64>("this connection"), .now = test_time()};
  std::function<void(ExchangeReply&)> last;  // changes what is shown

  World() {
    std::ranges::copy(question.expected.bytes, snp.report.begin() + kReportDataAt);
    tee = snp.make();
    policy = {.tee = tee.policy,
              .bundle = {.signers = {signer.public_key}, .min_version = 7},
              .audit = {.leakage = audit::default_policy(audit::Metric::kSsim)}};
  }

  Judgement judgement() const {
    ExchangeReply reply{.evidence = tee.evidence, .endorsements = tee.endorsements};
    reply.manifest_json =
        manifest_json.empty() ? bundle::manifest_json(manifest) : manifest_json;
    if (is_signed) {
      reply.manifest_signature =
          value_of(minisign::sign(as_bytes(reply.manifest_json), signer, "test"));
    }
    Statement stated = statement;
    if (stated.manifest_sha256.empty()) {
      stated.manifest_sha256 = to_hex(sha256(as_bytes(reply.manifest_json)));
    }
    reply.statement_json = write_statement(stated);
    reply.files = files;
    if (last) last(reply);
    return judge(reply, policy, question, tee.roots);
  }

  std::string text() const {
    std::string text;
    for (const Check& check : judgement().checks) {
      text += fmt::format("{} {}: {} / {}\n", word(check.outcome), check.id, check.found, check.why);
    }
    return text;
  }

  std::string failed() const {
    std::string ids;
    for (const Check& check : judgement().checks) {
      if (check.outcome == Outcome::kFail) ids += (ids.empty() ? "" : ", ") + check.id;
    }
    return ids;
  }

  // Just these fail; the refusal says `part`.
  void expect_fails(const std::string& ids, const std::string& part) const {
    EXPECT_EQ(failed(), ids) << text();
    const Judgement judged = judgement();
    EXPECT_FALSE(judged.trusted);
    expect_error(refusal(judged), Kind::kRefused, part);
  }
};

TEST(Judge, AcceptsWhatIsGood) {
  const World world;
  const Judgement judged = world.judgement();
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
  world.expect_fails("snp.report_data", "the evidence is not of this connection: snp.report_data");
}

TEST(Judge, FieldsOfThePolicyAreNamedFromItsTop) {
  World world;
  world.policy.tee.snp->measurements = {{}};
  world.expect_fails("snp.measurement", "(policy: tee.snp.measurements)");
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
  ASSERT_TRUE(parse_word(world.statement.config_sha256, config));
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
  shallow.manifest.cut = "c2aca4d";
  shallow.expect_fails("audit.verdict", "audit.verdict: ");
  shallow.manifest.cut = "c999999";
  shallow.expect_fails("audit.verdict", "the audit leaves out cut c999999");
}

TEST(Judge, TheAuditMustBeShownAndOfTheModel) {
  World none;
  none.files.clear();
  none.expect_fails("audit.record", "the bundle has none");
  none.policy.audit = {.accept_unaudited = true};
  EXPECT_TRUE(none.judgement().trusted) << none.text();
  none.policy.audit = {};
  none.expect_fails("audit.verdict", "the policy asks for nothing");
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
  world.expect_fails("audit.record", "the bundle has none");
}

TEST(Judge, WhereSegmentsRunCounts) {
  World trusted;
  trusted.files.clear();
  trusted.manifest.segments = {{"head",
                                bundle::Placement::kTrusted,
                                trusted.manifest.inputs,
                                trusted.manifest.outputs}};
  std::erase_if(trusted.manifest.entries,
                [](const bundle::Entry& e) { return e.name == "body.onnx"; });
  trusted.manifest.cut.clear();
  EXPECT_TRUE(trusted.judgement().trusted) << trusted.text();
}

TEST(Judge, FilesThatAreNeeded) {
  EXPECT_THAT(files_to_judge(World().policy), testing::ElementsAre("audit.json"));
  EXPECT_THAT(files_to_judge({.audit = {.accept_unaudited = true}}), testing::IsEmpty());
}

}  // namespace
}  // namespace cloister::attest::test
