#include "trust/appraise.h"

#include <algorithm>

#include "attest/context.h"
#include "record/json_line.h"
#include "trust/appraise_audit.h"

namespace cloister::attest {
namespace {

constexpr std::string_view kIds[] = {"statement.form",  "statement.role", "config.pin",
                                     "bundle.digest",   "bundle.pin",     "bundle.signature",
                                     "bundle.manifest", "bundle.version", "bundle.files"};

std::string_view to_string(Role role) {
  return role == Role::kServer ? "server" : "client";
}

// Of the checks that bind evidence to what was asked.
bool binds(const Check& check) {
  return check.id.ends_with(".report_data") || check.id.ends_with(".user_data") ||
         check.id == "tpm.nonce";
}

// A digest among those that the policy names, if it names any.
void judge_digest(Checks& checks, std::string_view id, const std::string& hex,
                  const std::vector<Fixed<32>>& allowed, const std::string& field) {
  Fixed<32> digest;
  const auto read = from_string(hex, digest);
  if (!read) {
    checks.judge(id, read, "", "a SHA-256", field);
    return;
  }
  judge_pin(checks, id, digest, allowed, field);
}

// The statement, which the evidence vouches for, is of the right role, and claims no more.
void judge_statement(Checks& checks, const ExchangeReply& reply, const JudgeQuestion& question,
                     const TrustPolicy& policy, AppraisalResult& out) {
  auto statement = parse_statement(reply.statement_json);
  checks.judge("statement.form", outcome_of(statement), "a statement", "a readable statement");
  if (!statement) {
    checks.needs("statement.role", {"statement.form"});
    checks.needs("config.pin", {"statement.form"});
    return;
  }
  const std::string_view mode = kind_class(reply.evidence.kind);
  checks.judge(
      "statement.role", statement->role == to_string(question.role) && statement->mode == mode,
      fmt::format("a {} in mode '{}'", printable(statement->role), printable(statement->mode)),
      fmt::format("a {} in mode '{}'", to_string(question.role), mode));
  judge_digest(checks, "config.pin", statement->config_sha256, policy.configs, "configs");
  out.statement = std::move(*statement);
}

void judge_signature(Checks& checks, const ExchangeReply& reply, const BundlePolicy& policy) {
  constexpr std::string_view kId = "bundle.signature";
  if (!policy.signers.empty()) {
    const auto signer = reply.manifest_signature.empty()
                            ? Result<size_t>(fail(Kind::kRefused, "the bundle is not signed"))
                            : minisign::verify(as_bytes(reply.manifest_json),
                                               reply.manifest_signature, policy.signers);
    checks.judge(kId, outcome_of(signer),
                 signer ? fmt::format("key {}", policy.signers[*signer].id_text()) : "",
                 policy.signers.size() == 1
                     ? fmt::format("by key {}", policy.signers[0].id_text())
                     : fmt::format("by one of {} keys in the policy", policy.signers.size()),
                 "bundle.signers");
  } else if (!policy.manifests.empty()) {
    checks.not_applicable(kId, "the policy names the bundle itself (bundle.manifests)");
  } else if (policy.accept_any_signer) {
    checks.not_applicable(kId, "the policy accepts any signer (bundle.accept_any_signer)");
  } else {
    checks.judge(kId, false, "", "the policy names no signers: nothing can match",
                 "bundle.signers");
  }
}

// Files handed over are those that the manifest lists.
Result<> check_files(const ExchangeReply& reply, const bundle::Manifest& manifest) {
  for (const auto& [name, text] : reply.files) {
    const bundle::Entry* const entry = manifest.entry(name);
    if (entry == nullptr || entry->sha256 != to_hex(sha256(as_bytes(text)))) {
      return fail(Kind::kRefused, "'{}' is not the file that the manifest lists", printable(name));
    }
  }
  return {};
}

// The bundle is the one that the statement names, signed by whom the policy trusts, and not an old
// one. Pin and signature are judged before anything is made of what is signed.
void judge_bundle(Checks& checks, const ExchangeReply& reply, const BundlePolicy& policy,
                  AppraisalResult& out) {
  const std::string digest = to_hex(sha256(as_bytes(reply.manifest_json)));
  if (checks.needs("bundle.digest", {"statement.form"})) {
    checks.judge("bundle.digest", digest == out.statement->manifest_sha256, digest,
                 out.statement->manifest_sha256);
  }
  judge_digest(checks, "bundle.pin", digest, policy.manifests, "bundle.manifests");
  judge_signature(checks, reply, policy);
  if (!checks.needs("bundle.manifest", {"bundle.digest", "bundle.pin", "bundle.signature"})) {
    return checks.block_rest("bundle.manifest");
  }
  auto manifest = bundle::parse_manifest(reply.manifest_json);
  checks.judge("bundle.manifest", outcome_of(manifest),
               manifest ? fmt::format("model '{}'", printable(manifest->model_name)) : "",
               "a manifest that can be read");
  if (!manifest) return checks.block_rest("bundle.manifest");
  checks.judge("bundle.version", manifest->version >= policy.min_version,
               std::to_string(manifest->version), fmt::format("{} or later", policy.min_version),
               "bundle.min_version");
  checks.judge("bundle.files", check_files(reply, *manifest),
               fmt::format("{} shown", reply.files.size()), "as the manifest lists them");
  out.manifest = std::move(*manifest);
}

// The audit of the cut. It takes long, so only trusted servers can cause it.
void judge_audit_of(Checks& checks, const ExchangeReply& reply, const TrustPolicy& policy,
                    const JudgeQuestion& question, const AppraisalResult& judgement) {
  if (!judgement.tee.trusted) {
    const Check* const failed = first_failed(judgement.tee.checks);
    return checks.block_rest(failed == nullptr ? "evidence.form" : failed->id);
  }
  if (!checks.needs("audit.record", {"bundle.files"})) return checks.block_rest("bundle.files");
  const bool before = !question.audited_manifest_sha256.empty() && judgement.statement &&
                      judgement.statement->manifest_sha256 == question.audited_manifest_sha256;
  if (before) {
    for (const std::string_view id : audit_checks()) {
      checks.not_applicable(id, "already judged for the same bundle under the same policy");
    }
    return;
  }
  const auto file = reply.files.find("audit.json");
  appraise_audit(checks, policy.audit, *judgement.manifest,
                 file == reply.files.end() ? nullptr : &file->second);
}

// With fields of the policy named from its top.
std::vector<Check> tee_checks(const Verdict& verdict) {
  std::vector<Check> checks = verdict.checks;
  for (Check& check : checks) {
    if (!check.field.empty()) check.field.insert(0, "tee.");
  }
  return checks;
}

// Only what failed: nobody looks for the line that accepts.
void name_lines(std::vector<Check>& checks, const std::string& policy_text) {
  if (policy_text.empty()) return;
  for (Check& check : checks) {
    if (check.outcome != Outcome::kFail || check.field.empty()) continue;
    check.line = json_line(policy_text, check.field).value_or(0);
  }
}

}  // namespace

AppraisalResult appraise(const ExchangeReply& reply, const TrustPolicy& policy,
                         const JudgeQuestion& question, const Roots& roots) {
  AppraisalResult out{.kind = reply.evidence.kind};
  // 1. The environment, and that it vouches for this very exchange. A TPM takes no 64 bytes.
  const Digest binder = sha256(question.expected.view());
  out.tee =
      verify(reply.evidence, reply.endorsements, policy.tee,
             {.report_data = question.expected, .qualifying_data = {binder.begin(), binder.end()}},
             question.now, roots);
  // 2. What it vouches for.
  Checks checks;
  checks.add(kIds);
  checks.add(audit_checks());
  judge_statement(checks, reply, question, policy, out);
  judge_bundle(checks, reply, policy.bundle, out);
  if (out.manifest) judge_audit_of(checks, reply, policy, question, out);
  out.trusted = out.tee.trusted && checks.all_passed();
  // 3. One list of all.
  out.checks = tee_checks(out.tee);
  std::ranges::move(checks.take(), std::back_inserter(out.checks));
  name_lines(out.checks, policy.text);
  return out;
}

AppraisalResult judge_bare(const Evidence& evidence, const Endorsements& endorsements,
                           const TrustPolicy& policy, const Expected& expected, Time now,
                           const Roots& roots) {
  AppraisalResult out{.kind = evidence.kind};
  out.tee = verify(evidence, endorsements, policy.tee, expected, now, roots);
  out.checks = tee_checks(out.tee);
  name_lines(out.checks, policy.text);
  out.trusted = out.tee.trusted;
  return out;
}

Result<> refusal(const AppraisalResult& judgement) {
  if (judgement.trusted) return {};
  const Check* const failed = first_failed(judgement.checks);
  if (failed == nullptr) return fail(Kind::kRefused, "nothing was verified");
  if (failed->id == "policy.kind" && judgement.kind == EvidenceKind::kSimulated) {
    return fail(Kind::kRefused,
                "the server runs in simulated mode, without a trusted environment: nothing "
                "protects the input from its host (a policy may allow simulated servers, for "
                "trying things out: tee.accept_simulated)");
  }
  return fail(Kind::kRefused, "{}{}",
              binds(*failed) ? "the evidence does not belong to this connection: " : "",
              failure_text(*failed));
}

std::vector<std::string> files_to_judge(const TrustPolicy& policy) {
  if (policy.audit.accept_unaudited) return {};
  return {"audit.json"};
}

}  // namespace cloister::attest
