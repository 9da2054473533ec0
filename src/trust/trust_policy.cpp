#include "trust/trust_policy.h"

#include <nlohmann/json.hpp>

#include "attest/policy_fields.h"
#include "audit/policy_json.h"
#include "audit/record_fields.h"
#include "base/parse_file.h"
#include "record/json_line.h"
#include "record/reader.h"
#include "record/writer.h"

namespace cloister::attest {
namespace {

constexpr std::string_view kTrustPolicySchema = "cloister/trust-policy/1";

// The file: a policy with its schema.
struct PolicyFile {
  TrustPolicy policy;
};

}  // namespace

template <typename Io>
void fields(Io& io, Of<Io, BundlePolicy> r) {
  io.terms("signers", r.signers, kMostValues);
  io.flag("accept_any_signer", r.accept_any_signer);
  io.integer("min_version", r.min_version, 0, kMaxCount);
  io.terms("manifests", r.manifests, kMostValues);
}

template <typename Io>
void fields(Io& io, Of<Io, AuditPolicy> r) {
  io.optional("leakage", r.leakage);
  io.flag("accept_unaudited", r.accept_unaudited);
}

namespace {

template <typename Io>
void fields(Io& io, Of<Io, PolicyFile> r) {
  io.schema("schema", kTrustPolicySchema);
  io.object("tee", r.policy.tee);
  io.object("bundle", r.policy.bundle);
  io.object("audit", r.policy.audit);
  io.terms("configs", r.policy.configs, kMostValues);
}

Result<> check_bundle(const BundlePolicy& policy) {
  if (policy.accept_any_signer && !policy.signers.empty()) {
    return invalid("bundle.accept_any_signer: true, but bundle.signers names some");
  }
  if (!policy.accept_any_signer && policy.signers.empty() && policy.manifests.empty()) {
    return invalid(
        "bundle.signers: missing, want minisign public keys (or bundle.manifests, or "
        "bundle.accept_any_signer)");
  }
  return {};
}

Result<> check_audit(const AuditPolicy& policy) {
  if (policy.accept_unaudited) {
    if (!policy.leakage) return {};
    return invalid("audit.accept_unaudited: true, but audit.leakage requires an audit");
  }
  if (!policy.leakage) {
    return invalid("audit.leakage: missing, want a leakage policy (or audit.accept_unaudited)");
  }
  // Of no cuts nothing is judged but the policy itself.
  if (const auto judged = audit::judge(*policy.leakage, {}); !judged) {
    return invalid("audit.leakage: {}", judged.error().message);
  }
  return {};
}

// Of the field, or else of what it belongs into.
std::optional<size_t> nearest_line(std::string_view json, std::string_view field) {
  while (!field.empty()) {
    if (const auto line = json_line(json, field)) return line;
    const size_t end = field.find_last_of(".[");
    field = field.substr(0, end == field.npos ? 0 : end);
  }
  return std::nullopt;
}

Result<TrustPolicy> parse(std::string_view json) {
  TRY(root, parse_strict_json(json, kMaxTrustPolicyBytes));
  TRY_OK(check_schema(root, kTrustPolicySchema));
  if (const auto audit = root.find("audit"); audit != root.end() && audit->is_object()) {
    audit::fill_in_policy(*audit, "leakage");
  }
  PolicyFile file;
  RecordReader reader(RecordReader::Missing::kDefaults);
  reader.read(root, file);
  if (reader.error()) return std::unexpected(*reader.error());
  TRY_OK(check_policy(file.policy));
  file.policy.text = json;
  return std::move(file.policy);
}

}  // namespace

Result<> check_policy(const TrustPolicy& policy) {
  TRY_OK(check_policy(policy.tee));
  TRY_OK(check_bundle(policy.bundle));
  return check_audit(policy.audit);
}

std::string policy_json(const TrustPolicy& policy) {
  return write_json_record(PolicyFile{policy});
}

Result<TrustPolicy> parse_trust_policy(std::string_view json) {
  auto parsed = parse(json);
  if (parsed) return parsed;
  const std::string& message = parsed.error().message;  // begins with the field
  const auto line = nearest_line(json, std::string_view(message).substr(0, message.find(": ")));
  return with_context(parsed.error(),
                      line ? fmt::format("trust policy: line {}", *line) : "trust policy");
}

Result<TrustPolicy> read_trust_policy(const fs::path& path) {
  return parse_file(path, kMaxTrustPolicyBytes, parse_trust_policy);
}

}  // namespace cloister::attest
