// A whole exchange that is good, to be broken part by part.
#pragma once

#include "bundle/minisign_secret.h"
#include "tests/attest/snp_world.h"
#include "tests/support/result.h"
#include "tests/support/sample_audit.h"
#include "trust/appraise.h"

namespace cloister::attest::test {

using cloister::test::expect_error;
using cloister::test::sample_pictures;
using cloister::test::value_of;

inline const std::string& sample_audit_json() {
  static const std::string json = audit::record_json(sample_pictures());
  return json;
}

inline bundle::Entry sample_entry(const std::string& name, const std::string& content) {
  bundle::Entry entry{
      .name = name, .bytes = content.size(), .sha256 = to_hex(sha256(as_bytes(content)))};
  if (!name.ends_with(".age")) return entry;
  entry.plain_bytes = 1;
  entry.plain_sha256 = std::string(64, 'd');
  return entry;
}

// Of the deepest cut of sample_pictures(), which resisted.
inline bundle::Manifest sample_manifest() {
  bundle::Manifest m;
  m.tool = "cloister 0.1.0";
  m.created = "2026-05-31T12:00:00Z";
  m.model_name = "resnet50";
  m.version = 7;
  m.model_sha256 = sample_pictures().model.sha256;
  m.plan_sha256 = to_hex(sha256(as_bytes("{}")));
  m.audit_sha256 = to_hex(sha256(as_bytes(sample_audit_json())));
  const TensorSpec x{"x", DType::kF32, {1, 3, 64, 64}};
  const TensorSpec h{"resnetv17_stage3_activation5", DType::kF32, {1, 1024, 4, 4}};
  const TensorSpec y{"y", DType::kF32, {1, 10}};
  m.inputs = {x};
  m.outputs = {y};
  const auto planned = segments_between({"c7654ff"});
  m.segments = {{planned[0], {x}, {h}}, {planned[1], {h}, {y}}};
  m.recipients = {"age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj"};
  m.entries = {sample_entry("plan.json", "{}"),
               sample_entry("head.onnx.age", std::string(1000, 'h')),
               sample_entry("body.onnx", "b"), sample_entry("audit.json", sample_audit_json())};
  return m;
}

// Everything that is shown and asked for; each part may be changed before judgement() is made.
struct ExchangeWorld {
  SnpWorld snp;
  Statement statement{.mode = "tee", .config_sha256 = std::string(64, 'c'), .tool = "t"};
  bundle::Manifest manifest = sample_manifest();
  std::string manifest_json;  // empty: of `manifest`
  minisign::SecretKey signer = value_of(minisign::generate_key());
  bool is_signed = true;
  std::map<std::string, std::string> files = {{"audit.json", sample_audit_json()}};
  Case tee;  // its policy and roots
  TrustPolicy policy;
  JudgeQuestion question{.expected = filler<64>("this connection"), .now = test_time()};
  std::function<void(ExchangeReply&)> last;  // changes what is shown

  ExchangeWorld() {
    std::ranges::copy(question.expected.bytes, snp.report.begin() + kReportDataAt);
    tee = snp.make();
    policy = {.tee = tee.policy,
              .bundle = {.signers = {signer.public_key}, .min_version = 7},
              .audit = {.leakage = audit::default_policy(audit::Metric::kSsim)}};
  }

  ExchangeReply reply() const {
    ExchangeReply reply{.evidence = tee.evidence, .endorsements = tee.endorsements};
    reply.manifest_json = manifest_json.empty() ? bundle::manifest_json(manifest) : manifest_json;
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
    return reply;
  }

  AppraisalResult judgement() const { return appraise(reply(), policy, question, tee.roots); }

  std::string text() const {
    std::string text;
    for (const Check& check : judgement().checks) {
      text += fmt::format("{} {}: {} / {}\n", to_string(check.outcome), check.id, check.found,
                          check.why);
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
    const AppraisalResult judged = judgement();
    EXPECT_FALSE(judged.trusted);
    expect_error(refusal(judged), Kind::kRefused, part);
  }
};

}  // namespace cloister::attest::test
