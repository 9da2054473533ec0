#include "attest/verify/verify.h"

#include <openssl/err.h>

#include "attest/azure/azure.h"
#include "attest/dcap/dcap.h"
#include "attest/dcap/sgx.h"
#include "attest/dcap/tdx.h"
#include "attest/simulated/simulated.h"
#include "attest/snp/snp.h"
#include "attest/tpm/tpm.h"

namespace cloister::attest {
namespace {

constexpr std::string_view kGeneralChecks[] = {"evidence.form", "policy.kind"};

// Leaves OpenSSL's error queue as it was: others read it.
class ErrorMark {
 public:
  ErrorMark() { ERR_set_mark(); }
  ~ErrorMark() { ERR_pop_to_mark(); }
  ErrorMark(const ErrorMark&) = delete;
  ErrorMark& operator=(const ErrorMark&) = delete;
};

// What is judged by where the policy has no section for the kind, which "policy.kind" refuses: one
// that accepts nothing, so that whoever reads the checks sees what else there is.
template <typename T>
const T& section(const std::optional<T>& value) {
  static const T nothing;
  return value ? *value : nothing;
}

bool accepts(const Policy& policy, EvidenceKind kind) {
  switch (kind) {
    case EvidenceKind::kSnp:
      return policy.snp.has_value();
    case EvidenceKind::kTdx:
      return policy.tdx.has_value();
    case EvidenceKind::kSgx:
      return policy.sgx.has_value();
    case EvidenceKind::kTpm:
      return policy.tpm.has_value();
    case EvidenceKind::kAzureSnp:
      return policy.azure_snp.has_value();
    case EvidenceKind::kAzureTdx:
      return policy.azure_tdx.has_value();
    case EvidenceKind::kSimulated:
      return policy.accept_simulated;
  }
  return false;
}

void add_checks(Checks& checks, EvidenceKind kind) {
  checks.add(kGeneralChecks);
  switch (kind) {
    case EvidenceKind::kSnp:
      return checks.add(snp_checks());
    case EvidenceKind::kTdx:
      checks.add(dcap_checks());
      return checks.add(tdx_checks());
    case EvidenceKind::kSgx:
      checks.add(dcap_checks());
      return checks.add(sgx_checks());
    case EvidenceKind::kTpm:
      checks.add(tpm_key_checks());
      return checks.add(tpm_quote_checks());
    case EvidenceKind::kAzureSnp:
      checks.add(azure_checks());
      checks.add(snp_checks());
      return checks.add(tpm_quote_checks());
    case EvidenceKind::kAzureTdx:
      checks.add(azure_checks());
      checks.add(dcap_checks());
      checks.add(tdx_checks());
      return checks.add(tpm_quote_checks());
    case EvidenceKind::kSimulated:
      return checks.add(simulated_checks());
  }
}

void verify_kind(Context& context, const Evidence& evidence, const Policy& policy,
                 const Expected& expected) {
  switch (evidence.kind) {
    case EvidenceKind::kSnp:
      return verify_snp(context,
                        {evidence.report, section(policy.snp), "snp", expected.report_data});
    case EvidenceKind::kTdx:
      return verify_tdx(context,
                        {evidence.report, section(policy.tdx), "tdx", expected.report_data});
    case EvidenceKind::kSgx:
      return verify_sgx(context, {evidence.report, section(policy.sgx), expected.report_data});
    case EvidenceKind::kTpm:
      return verify_tpm(context, {&evidence, section(policy.tpm), expected.qualifying_data});
    case EvidenceKind::kAzureSnp:
      return verify_azure(
          context, {&evidence, &section(policy.azure_snp), nullptr, expected.qualifying_data});
    case EvidenceKind::kAzureTdx:
      return verify_azure(
          context, {&evidence, nullptr, &section(policy.azure_tdx), expected.qualifying_data});
    case EvidenceKind::kSimulated:
      return verify_simulated(context, evidence.report, expected.report_data);
  }
}

}  // namespace

Verdict verify(const Evidence& evidence, const Endorsements& endorsements, const Policy& policy,
               const Expected& expected, Time now, const Roots& roots) {
  const ErrorMark mark;
  Verdict verdict;
  verdict.kind = evidence.kind;
  verdict.claims.kind = evidence.kind;
  Checks checks;
  add_checks(checks, evidence.kind);
  const bool formed =
      checks.judge("evidence.form", check_form(evidence, endorsements),
                   std::string(to_string(evidence.kind)), "known parts of bounded size, each once");
  const std::string kind(to_string(evidence.kind));
  checks.judge("policy.kind", accepts(policy, evidence.kind),
               fmt::format("{} ({})", kind, kind_class(evidence.kind)),
               "a kind that the policy accepts",
               evidence.kind == EvidenceKind::kSimulated ? "accept_simulated" : kind);
  if (formed) {
    Context context{endorsements, roots, now, checks, verdict.claims};
    verify_kind(context, evidence, policy, expected);
  }
  if (!formed) checks.block_rest("evidence.form");
  verdict.trusted = formed && checks.all_passed();
  verdict.checks = checks.take();
  return verdict;
}

Result<VerifiedClaims> VerifiedClaims::of(const Verdict& verdict) {
  if (verdict.trusted) return VerifiedClaims(verdict.claims);
  const Check* const failed = first_failed(verdict.checks);
  return fail(Kind::kRefused, "{}",
              failed == nullptr ? "nothing was verified" : failure_text(*failed));
}

}  // namespace cloister::attest
