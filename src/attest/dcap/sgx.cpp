#include "attest/dcap/sgx.h"

#include "attest/dcap/dcap.h"

namespace cloister::attest {
namespace {

constexpr std::string_view kSgxChecks[] = {"sgx.report_data", "sgx.debug", "sgx.attributes",
                                           "sgx.enclave", "sgx.config_id"};

// Bits of an enclave's ATTRIBUTES.
constexpr uint64_t kInit = 1;
constexpr uint64_t kDebug = 2;
constexpr uint64_t kMode64 = 4;
constexpr uint64_t kKss = 0x80;
constexpr uint64_t kAexNotify = 0x400;
constexpr uint64_t kRequired = kInit | kMode64;
constexpr uint64_t kAllowed = kRequired | kDebug | kKss | kAexNotify;  // debug has its own check

SgxClaims claims_of(const SgxReport& report) {
  SgxClaims claims;
  claims.mr_enclave = report.mr_enclave;
  claims.mr_signer = report.mr_signer;
  claims.isv_prod_id = report.isv_prod_id;
  claims.isv_svn = report.isv_svn;
  claims.config_id = report.config_id;
  claims.config_svn = report.config_svn;
  claims.attributes = report.flags();
  claims.xfrm = report.xfrm();
  claims.misc_select = report.misc_select;
  claims.debug = (report.flags() & kDebug) != 0;
  return claims;
}

void judge_enclave(Checks& checks, const SgxReport& report, const SgxPolicy& policy) {
  const std::string found =
      fmt::format("MRENCLAVE {}, MRSIGNER {}, product {}, version {}", to_string(report.mr_enclave),
                  to_string(report.mr_signer), report.isv_prod_id, report.isv_svn);
  const bool enclave = std::ranges::any_of(policy.mr_enclaves, [&](const Fixed<32>& allowed) {
    return same_bytes(allowed.view(), report.mr_enclave.view());
  });
  std::string field = enclave || policy.signers.empty() ? "sgx.mr_enclaves" : "sgx.signers";
  bool signer = false;
  for (size_t i = 0; i < policy.signers.size() && !enclave && !signer; ++i) {
    const SgxSigner& allowed = policy.signers[i];
    if (!same_bytes(allowed.mr_signer.view(), report.mr_signer.view())) continue;
    const bool product = allowed.isv_prod_id && *allowed.isv_prod_id == report.isv_prod_id;
    signer = product && allowed.min_isv_svn && *allowed.min_isv_svn <= report.isv_svn;
    field = fmt::format("sgx.signers[{}].{}", i,
                        signer    ? "mr_signer"
                        : product ? "min_isv_svn"
                                  : "isv_prod_id");
  }
  checks.judge("sgx.enclave", enclave || signer, found, "an enclave or a signer of the policy",
               field);
}

}  // namespace

std::span<const std::string_view> sgx_checks() {
  return kSgxChecks;
}

void verify_sgx(Context& context, const SgxQuestion& question) {
  Checks& checks = context.checks;
  const SgxPolicy& policy = question.policy;
  const auto quote = verify_dcap(context, {question.quote, false, policy.platform, "sgx.platform"});
  if (!quote) return;
  const SgxReport& report = *quote->sgx;
  context.claims.sgx = claims_of(report);
  context.claims.report_data = report.report_data;
  // 11. It was made for this exchange.
  judge_report_data(checks, "sgx.report_data", report.report_data, question.report_data);
  // 12. No debugging.
  const uint64_t flags = report.flags();
  checks.judge("sgx.debug", (flags & kDebug) == 0, (flags & kDebug) != 0 ? "on" : "off",
               "off: the host could read its memory");
  // 13. Initialised, 64 bits, and no keys of the platform's.
  checks.judge("sgx.attributes", (flags & kRequired) == kRequired && (flags & ~kAllowed) == 0,
               fmt::format("{:#x}", flags),
               fmt::format("all of {:#x}, none outside {:#x}", kRequired, kAllowed));
  // 14. The code.
  judge_enclave(checks, report, policy);
  judge_zero_or(checks, "sgx.config_id", report.config_id, policy.config_ids, "sgx.config_ids");
}

}  // namespace cloister::attest
