#include "attest/produce/attested_evidence.h"

#include "attest/dcap/quote.h"
#include "attest/produce/certificate_table.h"

namespace cloister::attest {
namespace {

Result<> check_over(const Fixed<64>& found, const Fixed<64>& asked) {
  if (found == asked) return {};
  return invalid("its report data is {}, want {}", to_string(found), to_string(asked));
}

}  // namespace

Result<AttestedEvidence> snp_shown(std::vector<std::byte> report, Bytes table,
                                   const Fixed<64>& report_data) {
  const auto parsed = parse_snp_report(report);
  const auto right =
      parsed ? check_over(parsed->report_data, report_data) : std::unexpected(parsed.error());
  if (!right) return with_context(right.error(), "SNP report");
  auto blobs = parse_certificate_table(table, static_cast<SnpSigner>(parsed->signing_key()));
  if (!blobs) return with_context(blobs.error(), "certificate table");
  return AttestedEvidence{{.kind = EvidenceKind::kSnp, .report = std::move(report)},
                          {std::move(*blobs)}};
}

Result<AttestedEvidence> tdx_shown(std::vector<std::byte> quote, const Fixed<64>& report_data) {
  const auto parsed = parse_dcap_quote(quote);
  if (!parsed) return with_context(parsed.error(), "TDX quote");
  if (!parsed->td) return invalid("TDX quote: it describes an SGX enclave");
  const auto right = check_over(parsed->td->report_data, report_data);
  if (!right) return with_context(right.error(), "TDX quote");
  return AttestedEvidence{{.kind = EvidenceKind::kTdx, .report = std::move(quote)}, {}};
}

Result<AttestedEvidence> sgx_shown(std::vector<std::byte> quote, const Fixed<64>& report_data) {
  const auto parsed = parse_dcap_quote(quote);
  if (!parsed) return with_context(parsed.error(), "SGX quote");
  if (!parsed->sgx) return invalid("SGX quote: it describes a TD");
  const auto right = check_over(parsed->sgx->report_data, report_data);
  if (!right) return with_context(right.error(), "SGX quote");
  return AttestedEvidence{{.kind = EvidenceKind::kSgx, .report = std::move(quote)}, {}};
}

}  // namespace cloister::attest
