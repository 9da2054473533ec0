#include "attest/azure/azure.h"

#include "attest/azure/hcl.h"
#include "attest/dcap/tdx.h"
#include "attest/snp/snp.h"
#include "attest/tpm/tpm.h"

namespace cloister::attest {
namespace {

constexpr std::string_view kIds[] = {"azure.report", "azure.runtime_data", "azure.user_data"};

// The hardware report was made after this exchange began: its user-data are the binder.
void judge_user_data(Context& context, const HclRuntimeData& data, Bytes binder, bool accept_stale,
                     const std::string& field) {
  Fixed<64> want;
  const bool fits = !binder.empty() && binder.size() <= want.bytes.size();
  if (fits) std::ranges::copy(binder, want.bytes.begin());
  if (accept_stale) {
    return context.checks.not_applicable(
        "azure.user_data", fmt::format("the policy accepts older hardware reports ({})", field));
  }
  context.checks.judge("azure.user_data", fits && same_bytes(want.view(), data.user_data.view()),
                       to_string(data.user_data), fits ? to_string(want) : "no value was expected",
                       field);
}

}  // namespace

std::span<const std::string_view> azure_checks() {
  return kIds;
}

void verify_azure(Context& context, const AzureQuestion& question) {
  Checks& checks = context.checks;
  const Evidence& evidence = *question.evidence;
  const bool is_snp = evidence.kind == EvidenceKind::kAzureSnp;
  const std::string field = is_snp ? "azure_snp" : "azure_tdx";
  // 1. The paravisor's report, of this hardware.
  const auto report = parse_hcl_report(evidence.report);
  Result<> formed = report ? Result<>{} : std::unexpected(report.error());
  if (report && (report->type == HclType::kSnp) != is_snp) {
    formed = invalid("a report of {}", is_snp ? "TDX" : "SNP");
  }
  if (!checks.judge("azure.report", formed, is_snp ? "SNP" : "TDX",
                    fmt::format("an HCL report of {}", is_snp ? "SNP" : "TDX"))) {
    return checks.block_rest("azure.report");
  }
  // 2. What it says about the vTPM. The hardware vouches for it below: its report data must be the
  // digest of these bytes.
  auto data = parse_hcl_runtime_data(report->runtime_data);
  checks.judge("azure.runtime_data", data ? Result<>{} : std::unexpected(data.error()),
               "names the vTPM's key", "runtime data with an RSA attestation key");
  if (!data) {
    checks.needs("azure.user_data", {"azure.runtime_data"});
  } else {
    const bool accept_stale = is_snp ? question.snp->accept_stale_hardware_report
                                     : question.tdx->accept_stale_hardware_report;
    judge_user_data(context, *data, question.qualifying_data, accept_stale,
                    field + ".accept_stale_hardware_report");
  }
  // 3. The vTPM's quote, made for this exchange.
  TpmSignature signature;
  signature.scheme = TpmScheme::kRsaPkcs1;
  const auto signature_bytes = find_blob(evidence.parts, kTpmSignature);
  if (signature_bytes) signature.rsa = *signature_bytes;
  const auto quote = find_blob(evidence.parts, kTpmQuote);
  const std::vector<PcrValues>& pcrs = is_snp ? question.snp->pcrs : question.tdx->pcrs;
  verify_tpm_quote(context, {quote.value_or(Bytes{}), find_blob(evidence.parts, kTpmPcrs),
                             signature_bytes ? Result<TpmSignature>(signature)
                                             : std::unexpected(signature_bytes.error()),
                             data ? data->attestation_key.get() : nullptr, 0, "azure.runtime_data",
                             question.qualifying_data, pcrs, field + ".pcrs"});
  // 4. The hardware. Last, since it ends lists that it can't judge.
  const Fixed<64> report_data = hcl_report_data(report->runtime_data);
  if (is_snp) {
    verify_snp(context,
               {report->hardware_report, question.snp->hardware, field + ".hardware", report_data});
  } else {
    // The TDREPORT inside is MACed for its own machine only: the quote is what counts.
    const auto td_quote = find_blob(evidence.parts, kTdQuote);
    verify_tdx(context, {td_quote.value_or(Bytes{}), question.tdx->hardware, field + ".hardware",
                         report_data});
  }
}

}  // namespace cloister::attest
